import { HELP_ID, keys } from '../keyboard.ts';

/** Opened by `openHelp`; the browser itself keeps whether it is open. */
export function KeyHelp() {
  return (
    <dialog id={HELP_ID} aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <dl class="keys">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog" class="dialog-buttons">
        <a href="/docs">API reference</a>
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}
