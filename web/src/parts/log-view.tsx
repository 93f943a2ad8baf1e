import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { LogChunk, Problem } from '../../../src/api/contract/documents.ts';
import { ApiProblem, getJson } from '../api-client.ts';
import { readEvents } from '../event-stream.ts';
import { bytes, whole } from '../format.ts';
import { LogBuffer } from '../log-buffer.ts';
import { Choice } from './choice.tsx';
import { LogLines } from './log-lines.tsx';
import { ProblemNote } from './notes.tsx';

const LINES_MAX = 20_000;
const PIECE_BYTES = 65_536;
const RETRY_MS = 2_000;

const streams = ['stdout', 'stderr'] as const;

/** The tail of an attempt's log as it is written, with search and what came before. */
export function LogView({ attempt }: { readonly attempt: string }) {
  const stream = useSignal<(typeof streams)[number]>('stdout');
  const follow = useSignal(true);
  const query = useSignal('');
  const chosen = useSignal(0);
  const problem = useSignal<Problem | undefined>(undefined);
  const opened = useSignal(false);
  const ended = useSignal(false);
  const [version, setVersion] = useState(0);
  const buffer = useMemo(() => new LogBuffer(LINES_MAX), [attempt, stream.value]);
  const base = `/api/v1/attempts/${encodeURIComponent(attempt)}/logs/${stream.value}`;

  useEffect(() => {
    const left = new AbortController();
    ended.value = false;
    opened.value = false;
    void keepFollowing(base, buffer, left.signal, {
      onOpen: () => {
        opened.value = true;
      },
      onText: () => setVersion((v) => v + 1),
      onEnd: () => {
        ended.value = true;
      },
      onProblem: (found) => {
        problem.value = found;
      },
    });
    return () => left.abort();
  }, [base, buffer]);

  const lines = useMemo(() => buffer.lines(), [buffer, version]);
  const matches = useMemo(() => matchesIn(lines, query.value), [lines, query.value]);
  const earlier = async (): Promise<void> => {
    follow.value = false;
    const from = Math.max(0, buffer.offset! - PIECE_BYTES);
    const chunk = await getJson<LogChunk>(`${base}?from=${from}&max=${buffer.offset! - from}`);
    buffer.prepend(chunk.text, chunk.offset);
    setVersion((v) => v + 1);
  };
  const step = (by: number): void => {
    follow.value = false;
    chosen.value = (chosen.value + by + matches.length) % Math.max(1, matches.length);
  };
  return (
    <div class="log">
      <div class="toolbar">
        <Choice
          label="Stream"
          options={streams}
          chosen={stream.value}
          onChoose={(name) => {
            stream.value = name;
            follow.value = true;
          }}
        />
        <input
          type="search"
          placeholder="Search the log"
          aria-label="Search the log"
          value={query.value}
          onInput={(event) => {
            query.value = event.currentTarget.value;
            chosen.value = 0;
            follow.value = false;
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') step(event.shiftKey ? -1 : 1);
          }}
        />
        <output class="muted number">
          {query.value === ''
            ? ''
            : matches.length === 0
              ? 'none'
              : `${whole(chosen.value + 1)} of ${whole(matches.length)}`}
        </output>
        <span class="spring" />
        <label class="check">
          <input
            type="checkbox"
            checked={follow.value}
            onChange={(event) => {
              follow.value = event.currentTarget.checked;
            }}
          />
          follow
        </label>
        <a class="button" href={`${base}/download`} download>
          download
        </a>
      </div>
      {problem.value !== undefined && <ProblemNote problem={problem.value} />}
      <LogLines
        lines={lines}
        query={query.value}
        at={query.value === '' ? undefined : matches[chosen.value]}
        follow={follow}
        head={<LogHead buffer={buffer} onEarlier={earlier} />}
        empty={
          ended.value
            ? `It wrote nothing to ${stream.value}.`
            : !opened.value
              ? ''
              : `Nothing on ${stream.value} yet.`
        }
      />
    </div>
  );
}

/** What stands before the first line that is shown. */
function LogHead({
  buffer,
  onEarlier,
}: {
  readonly buffer: LogBuffer;
  readonly onEarlier: () => Promise<void>;
}) {
  const { offset, dropped, forgotten } = buffer;
  if (forgotten > 0)
    return <>{whole(forgotten)} earlier lines are not shown; download the log for all of it.</>;
  if (dropped > 0) return <>{bytes(dropped)} before this were dropped by the cap on the log.</>;
  if (offset === undefined || offset === 0) return null;
  return (
    <button type="button" class="plain" onClick={onEarlier}>
      show earlier ({bytes(offset)} before this)
    </button>
  );
}

interface Followed {
  onOpen(): void;
  onText(): void;
  onEnd(): void;
  onProblem(problem: Problem | undefined): void;
}

/** Follows until the attempt ends or the reader leaves; goes on where it was after a break. */
async function keepFollowing(
  base: string,
  buffer: LogBuffer,
  signal: AbortSignal,
  tell: Followed,
): Promise<void> {
  while (!signal.aborted) {
    const from = buffer.offset === undefined ? -PIECE_BYTES : buffer.next;
    try {
      for await (const event of readEvents(`${base}?follow=1&from=${from}`, signal)) {
        tell.onOpen();
        if (event.type !== 'log') continue;
        const chunk = JSON.parse(event.data) as LogChunk;
        tell.onProblem(undefined);
        buffer.append(chunk);
        tell.onText();
        if (chunk.ended) {
          tell.onEnd();
          return;
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiProblem) tell.onProblem(error.problem);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function matchesIn(lines: readonly string[], query: string): readonly number[] {
  if (query === '') return [];
  const wanted = query.toLowerCase();
  return lines.flatMap((line, i) => (line.toLowerCase().includes(wanted) ? [i] : []));
}
