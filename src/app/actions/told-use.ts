import { appendFileSync, readFileSync } from 'node:fs';
import { addUse, parseUseLine } from '../../execution/told-use.ts';
import type { ToldUse } from '../../model/attempt.ts';
import { ActionFailure } from './action-program.ts';

/** What a token is of a text, about: the rule of thumb that OpenAI gives. */
const BYTES_PER_TOKEN = 4;

const attempt = process.env['BERTH_ATTEMPT_ID'] ?? '';
const file = process.env['BERTH_USAGE'] ?? '';

/** One more line about what this task did. Nothing where nobody counts. */
export function tell(what: 'model_calls' | 'tokens' | 'results', count: number): void {
  if (file !== '' && count > 0) appendFileSync(file, `${attempt} ${what}=${count}\n`);
}

/**
 * Claims a call of a model before it is made: told first, then looked at, so that of several tasks at once none
 * makes one call too many. @returns how many tokens it may take.
 * @throws ActionFailure where it may not be made.
 */
export function claimModelCall(prompt: string): number {
  tell('model_calls', 1);
  const { own, all } = readUse();
  for (const [used, whose, name] of scopes(own, all)) {
    const most = allowance(`${name}_MODEL_CALLS`);
    if ((used.modelCalls ?? 0) > most) {
      throw new ActionFailure(`the model is not called: ${whose} may call ${most} times`);
    }
  }
  const about = Math.ceil(Buffer.byteLength(prompt) / BYTES_PER_TOKEN);
  let left = Number.POSITIVE_INFINITY;
  for (const [used, whose, name] of scopes(own, all)) {
    const most = allowance(`${name}_TOKENS`);
    const rest = most - (used.tokens ?? 0) - about;
    if (rest < 1) {
      throw new ActionFailure(
        `the model is not called: of the ${most} tokens of ${whose} ${used.tokens ?? 0} are used, and the question alone has about ${about}`,
      );
    }
    left = Math.min(left, rest);
  }
  return left;
}

const scopes = (own: ToldUse, all: ToldUse) =>
  [
    [own, 'this task', 'BERTH_MAX'],
    [all, 'its workload', 'BERTH_WORKLOAD_MAX'],
  ] as const;

function allowance(name: string): number {
  const said = process.env[name];
  return said === undefined || said === '' ? Number.POSITIVE_INFINITY : Number(said);
}

/** Of calls those that were claimed before the last one of this task: the order of the lines decides who may. */
function readUse(): { readonly own: ToldUse; readonly all: ToldUse } {
  let own: ToldUse = {};
  let all: ToldUse = {};
  if (file === '') return { own, all };
  const lines = readFileSync(file, 'utf8').split('\n').map(parseUseLine);
  const claim = lines.findLastIndex(
    (said) => said?.attempt === attempt && said.used.modelCalls !== undefined,
  );
  for (const [i, said] of lines.entries()) {
    if (said === undefined) continue;
    const { modelCalls: _, ...others } = said.used;
    all = addUse(all, i <= claim ? said.used : others);
    if (said.attempt === attempt) own = addUse(own, said.used);
  }
  return { own, all };
}
