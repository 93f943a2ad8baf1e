import { places } from './places.ts';
import { go, route } from './router.ts';
import { switchTheme } from './theme.ts';

export const HELP_ID = 'keys';

export function openHelp(): void {
  const dialog = document.getElementById(HELP_ID);
  if (dialog instanceof HTMLDialogElement) dialog.showModal();
}

export const keys: readonly (readonly [string, string])[] = [
  ['j / k', 'next / previous row'],
  ['Enter', 'open the row'],
  ['u', 'up: from a workload or a metric to the list'],
  ...places.map(({ key, name }) => [`g ${key}`, name.toLowerCase()] as const),
  ['+ / -', 'in the queue: before or behind others, with an undo'],
  ['/', 'search everything'],
  ['t', 'light or dark'],
  ['?', 'these keys'],
  ['Esc', 'close, leave a field'],
];

/** A `g` that nothing follows is forgotten. */
const CHORD_MS = 1_500;
let chordUntil = 0;

export function listenToKeys(): void {
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const inField =
      event.target instanceof HTMLElement &&
      event.target.closest('input, select, textarea, dialog[open]') !== null;
    if (inField) {
      if (event.key === 'Escape' && event.target instanceof HTMLInputElement) event.target.blur();
      return;
    }
    if (press(event.key, event.timeStamp)) event.preventDefault();
  });
}

/** Whether the key meant something. */
function press(key: string, at: number): boolean {
  const chord = at < chordUntil;
  chordUntil = 0;
  const place = places.find((one) => one.key === key)?.href;
  if (chord && place !== undefined) {
    go(place);
    return true;
  }
  switch (key) {
    case 'g':
      chordUntil = at + CHORD_MS;
      return true;
    case 'j':
      return moveRow(1);
    case 'k':
      return moveRow(-1);
    case 'u':
      if (route.value.page === 'workload') go('#/workloads');
      if (route.value.page === 'metrics') go('#/metrics');
      return true;
    case '/':
      document.getElementById('search')?.focus();
      return true;
    case 't':
      switchTheme();
      return true;
    case '?':
      openHelp();
      return true;
    default:
      return false;
  }
}

/** Moves the focus over the rows of the page, across its tables, without wrapping around. */
function moveRow(by: number): boolean {
  const rows = [...document.querySelectorAll<HTMLElement>('main [data-row]')];
  const at = rows.findIndex((row) => row.matches(':focus'));
  const next = at === -1 ? (by > 0 ? rows[0] : rows.at(-1)) : rows[at + by];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
  return true;
}
