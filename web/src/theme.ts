import { signal } from '@preact/signals';

type Theme = 'system' | 'light' | 'dark';

const KEY = 'berth-theme';
const dark = matchMedia('(prefers-color-scheme: dark)');

const chosen = signal<Theme>(
  (document.documentElement.dataset['theme'] as Theme | undefined) ?? 'system',
);
/** What is shown: changes with the choice and with the system. */
export const theme = signal(shown());

dark.addEventListener('change', () => {
  theme.value = shown();
});

function shown(): 'light' | 'dark' {
  const { value } = chosen;
  return value === 'system' ? (dark.matches ? 'dark' : 'light') : value;
}

/** To the other of light and dark; the choice that the system makes anyway is not kept. */
export function switchTheme(): void {
  const next = theme.value === 'dark' ? 'light' : 'dark';
  chosen.value = next === (dark.matches ? 'dark' : 'light') ? 'system' : next;
  if (chosen.value === 'system') {
    delete document.documentElement.dataset['theme'];
    localStorage.removeItem(KEY);
  } else {
    document.documentElement.dataset['theme'] = chosen.value;
    localStorage.setItem(KEY, chosen.value);
  }
  theme.value = shown();
}
