import { pythonAction, runAction, shellAction } from './command-actions.ts';
import type { Action } from './define-action.ts';
import { analyzeWithAiAction, httpAction, searchWebAction } from './web-actions.ts';
import {
  complexAnalysisAction,
  processDataShardAction,
  simpleProcessAction,
} from './work-actions.ts';

/** Every built-in action. Adding one = its definition, its program in `src/app/actions`, and one line here. */
export const builtInActions: readonly Action[] = [
  runAction,
  shellAction,
  pythonAction,
  httpAction,
  simpleProcessAction,
  complexAnalysisAction,
  processDataShardAction,
  searchWebAction,
  analyzeWithAiAction,
];

/** Arguments of a built-in action that are read as a program. */
export const codeKeysOf = (name: unknown): readonly string[] =>
  builtInActions.find((action) => action.name === name)?.codeKeys ?? [];
