import { render } from 'preact';
import { App } from './app.tsx';
import { listenToKeys } from './keyboard.ts';
import { watch } from './live.ts';
import { startClock } from './server-time.ts';
import './style.css';

startClock();
listenToKeys();
void watch();
render(<App />, document.getElementById('app')!);
