import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { NodeList, WorkloadList } from '../../../src/api/contract/documents.ts';
import type { SettingsDocument } from '../../../src/api/contract/settings-documents.ts';
import { goToWhatIf } from '../router.ts';
import { anew, anyWorkload, useDocument } from '../use-document.ts';
import {
  changeWords,
  isLookedAt,
  policySuggestions,
  type WhatIfKind,
  type WhatIfPlace,
  type WhatIfWindow,
  whatIfWindows,
  withChange,
} from '../what-if-place.ts';
import { Choice } from './choice.tsx';

const EVERY_MS = 4_000;
/** More in a list of suggestions are not read. */
const SUGGESTED_MAX = 400;
const COUNT_MAX = 1_000;
const FROM_NOW = 'from now on';
const windowNames: Readonly<Record<WhatIfWindow, string>> = {
  '24h': 'last 24 h',
  '7d': 'last 7 d',
};

export function WhatIfForm({ at }: { readonly at: WhatIfPlace }) {
  const add = (kind: WhatIfKind, text: string): void =>
    goToWhatIf({ ...at, changes: withChange(at.changes, { kind, text }) });
  return (
    <>
      <section aria-label="Changes">
        <h2>To be different</h2>
        {at.changes.length === 0 && <p class="muted">Nothing yet.</p>}
        <ul class="what-if-changes">
          {at.changes.map((change) => {
            const said = changeWords(change);
            return (
              <li key={`${change.kind} ${change.text}`}>
                <span>{said}</span>
                <button
                  type="button"
                  class="plain icon"
                  aria-label={`Leave out: ${said}`}
                  title="Leave out"
                  onClick={() =>
                    goToWhatIf({ ...at, changes: at.changes.filter((one) => one !== change) })
                  }
                >
                  ×
                </button>
              </li>
            );
          })}
        </ul>
      </section>
      <PolicyKnob onAdd={(text) => add('policy', text)} />
      <SettingKnob onAdd={(text) => add('set', text)} />
      <NodeKnobs onAdd={add} />
      <CancelKnob onAdd={(text) => add('cancel', text)} />
      <div>
        <Choice
          label="Window"
          options={[FROM_NOW, ...Object.values(windowNames)]}
          chosen={at.window === undefined ? FROM_NOW : windowNames[at.window]}
          onChoose={(chosen) =>
            goToWhatIf({ ...at, window: whatIfWindows.find((one) => windowNames[one] === chosen) })
          }
        />
        <p class="muted what-if-window">{windowWords(at.window)}</p>
      </div>
    </>
  );
}

const windowWords = (window: WhatIfWindow | undefined): string =>
  window === undefined
    ? 'What waits and runs now is played forward.'
    : `What was submitted in the last ${window === '24h' ? '24 hours' : '7 days'} is replayed.`;

interface KnobProps {
  readonly name: string;
  readonly children: ComponentChildren;
  onAdd(): void;
}

/** Enter adds it, too. */
function Knob({ name, children, onAdd }: KnobProps) {
  return (
    <form
      class="knob"
      aria-label={name}
      onSubmit={(event) => {
        event.preventDefault();
        onAdd();
      }}
    >
      <span class="knob-name">{name}</span>
      <div class="knob-fields">
        {children}
        <button type="submit" aria-label={`Add: ${name}`}>
          Add
        </button>
      </div>
    </form>
  );
}

interface Adds {
  onAdd(text: string): void;
}

function PolicyKnob({ onAdd }: Adds) {
  const [name, type] = useState('');
  return (
    <Knob
      name="Policy"
      onAdd={() => {
        onAdd(name);
        type('');
      }}
    >
      <input
        type="text"
        list="what-if-policies"
        aria-label="Policy"
        placeholder="fair_share+spread"
        required
        maxLength={256}
        value={name}
        onInput={(event) => type(event.currentTarget.value)}
      />
      <datalist id="what-if-policies">
        {policySuggestions.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
    </Knob>
  );
}

function SettingKnob({ onAdd }: Adds) {
  const [key, typeKey] = useState('');
  const [value, typeValue] = useState('');
  const document = useDocument<SettingsDocument>('/api/v1/settings', { ...anew, mayLack: true })
    .value.value;
  const found = (document?.settings ?? []).filter(({ name }) => isLookedAt(name));
  // What the site says itself is first: of a large one not all is suggested.
  const [own = [], builtIn = []] = [false, true].map((is) =>
    found.filter(({ origin }) => (origin === 'default') === is),
  );
  const settings = [...own, ...builtIn];
  const present = settings.find(({ name }) => name === key.trim());
  return (
    <Knob
      name="Key of the site file"
      onAdd={() => {
        onAdd(`${key.trim()}=${value.trim()}`);
        typeKey('');
        typeValue('');
      }}
    >
      <input
        type="text"
        class="knob-key"
        list="what-if-settings"
        aria-label="Key"
        placeholder="queues.train.weight"
        required
        maxLength={512}
        value={key}
        onInput={(event) => typeKey(event.currentTarget.value)}
      />
      <datalist id="what-if-settings">
        {settings.slice(0, SUGGESTED_MAX).map(({ name, value: is }) => (
          <option key={name} value={name} label={is === null ? name : `${name} is ${is}`} />
        ))}
      </datalist>
      <input
        type="text"
        aria-label="Value"
        placeholder={present?.value == null ? 'value' : `is ${present.value}`}
        title="In YAML; nothing takes the key away"
        maxLength={4_096}
        value={value}
        onInput={(event) => typeValue(event.currentTarget.value)}
      />
    </Knob>
  );
}

function NodeKnobs({ onAdd }: { onAdd(kind: WhatIfKind, text: string): void }) {
  const [lost, lose] = useState('');
  const [like, choose] = useState('');
  const [count, setCount] = useState('1');
  const list = useDocument<NodeList>('/api/v1/nodes', { when: anyWorkload, everyMs: EVERY_MS })
    .value.value;
  const names = (list?.nodes ?? []).map(({ id }) => id);
  const options = names.map((name) => (
    <option key={name} value={name}>
      {name}
    </option>
  ));
  return (
    <>
      <Knob
        name="Node lost"
        onAdd={() => {
          onAdd('lose', lost);
          lose('');
        }}
      >
        <select
          aria-label="Node lost"
          required
          value={lost}
          onChange={(event) => lose(event.currentTarget.value)}
        >
          <option value="">choose a node</option>
          {options}
        </select>
      </Knob>
      <Knob
        name="Nodes more"
        onAdd={() => {
          onAdd('add', count === '1' ? `like=${like}` : `like=${like},count=${count}`);
          choose('');
          setCount('1');
        }}
      >
        <select
          aria-label="Like node"
          required
          value={like}
          onChange={(event) => choose(event.currentTarget.value)}
        >
          <option value="">like node</option>
          {options}
        </select>
        <input
          type="number"
          aria-label="How many"
          required
          min={1}
          max={COUNT_MAX}
          value={count}
          onInput={(event) => setCount(event.currentTarget.value)}
        />
      </Knob>
    </>
  );
}

function CancelKnob({ onAdd }: Adds) {
  const [id, type] = useState('');
  const list = useDocument<WorkloadList>(`/api/v1/workloads?limit=${SUGGESTED_MAX}`, {
    when: anyWorkload,
    everyMs: EVERY_MS,
  }).value.value;
  return (
    <Knob
      name="Job cancelled"
      onAdd={() => {
        onAdd(id.replace(/^#/, ''));
        type('');
      }}
    >
      <input
        type="text"
        list="what-if-workloads"
        aria-label="Job cancelled"
        placeholder="id, such as 12"
        required
        maxLength={32}
        value={id}
        onInput={(event) => type(event.currentTarget.value)}
      />
      <datalist id="what-if-workloads">
        {(list?.workloads ?? []).map((one) => (
          <option key={one.id} value={one.id} label={`${one.id} ${one.name}`} />
        ))}
      </datalist>
    </Knob>
  );
}
