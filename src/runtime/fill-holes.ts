import { itemOf, taskScope } from '../engine/flow-scope.ts';
import type { TaskRecord } from '../engine/records.ts';
import type { Scope } from '../expression/cel-value.ts';
import { fillTemplate, textOf } from '../expression/template.ts';
import type { FlowValue } from '../model/flow.ts';
import type { Run } from '../model/workload.ts';
import type { CacheAsk } from './ports.ts';

/** What of a task is known only while its workload runs. */
export interface FilledTask {
  readonly run: Run;
  readonly env: Readonly<Record<string, string>>;
  /** JSON of its item; absent where its step has no list. */
  readonly item?: string;
  readonly cache?: CacheAsk;
}

/** The same whenever it is asked: what the task needs has ended. @returns why a hole cannot be filled, else. */
export function fillTask(task: TaskRecord): FilledTask | { readonly why: string } {
  const { step } = task;
  const { run, env, flow } = step.spec;
  if (flow === undefined) return { run, env };
  const value = itemOf(task);
  const item = value === undefined ? {} : { item: JSON.stringify(value) };
  if (flow.holes === undefined && flow.cache === undefined) return { run, env, ...item };
  const filling = new Filling(taskScope(task));
  const filled = flow.holes === undefined ? { run, env } : filling.program(run, env);
  const cache = flow.cache && {
    ...flow.cache,
    inputs: filling.each('an input of the cache', flow.cache.inputs),
    artefacts: filling.each('an artefact of the cache', flow.cache.artefacts),
    salt: filling.text('the salt of the cache', flow.cache.salt),
    tenant: task.tenant,
    env: filled.env,
    part: partOf(value, task),
  };
  if (filling.problem !== undefined) return { why: filling.problem };
  return { ...filled, ...item, ...(cache && { cache }) };
}

/** With a list, its place there says nothing: the same item in another list gives the same result. */
const partOf = (item: FlowValue | undefined, { index, step }: TaskRecord): string =>
  item === undefined ? `#${index} of ${step.spec.count}` : JSON.stringify(item);

class Filling {
  readonly #scope: Scope;
  /** Of the first hole that could not be filled. */
  problem: string | undefined;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  program(run: Run, env: Readonly<Record<string, string>>): Pick<FilledTask, 'run' | 'env'> {
    return {
      run: run.kind === 'argv' ? { ...run, argv: this.each('the command', run.argv) } : run,
      env: Object.fromEntries(
        Object.entries(env).map(([name, text]) => [name, this.text(`variable ${name}`, text)]),
      ),
    };
  }

  each(what: string, texts: readonly string[]): string[] {
    return texts.map((text) => this.text(what, text));
  }

  text(what: string, text: string): string {
    const result = fillTemplate(text, this.#scope);
    if (result.ok) return textOf(result.value);
    this.problem ??= `A hole of ${what} could not be filled: ${result.message}.`;
    return '';
  }
}
