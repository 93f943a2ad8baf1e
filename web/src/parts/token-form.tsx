import { useSignal } from '@preact/signals';
import { login } from '../api-client.ts';
import { unlocked } from '../live.ts';
import { Command } from './notes.tsx';

/** Shown when the daemon does not know this browser yet. */
export function TokenForm() {
  const token = useSignal('');
  const wrong = useSignal(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (await login(token.value.trim())) unlocked();
    else wrong.value = true;
  };
  return (
    <form class="token" onSubmit={submit}>
      <h1 class="lead">This daemon does not know this browser yet.</h1>
      <p>
        Open the link that <code>berth status</code> prints, or paste the token of its state folder:
      </p>
      <Command text="cat ~/.local/state/berth/token" />
      <label>
        Token
        <input
          type="password"
          autocomplete="off"
          value={token.value}
          onInput={(event) => {
            token.value = event.currentTarget.value;
            wrong.value = false;
          }}
        />
      </label>
      {wrong.value && (
        <p class="note problem" role="alert">
          That is not the token of this daemon. It changes when the state folder is made anew.
        </p>
      )}
      <button type="submit">Continue</button>
    </form>
  );
}
