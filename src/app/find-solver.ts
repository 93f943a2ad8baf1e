import type { SchedulingConfig } from '../model/scheduling-config.ts';
import type { SolveProgram } from '../scheduling/optimal.ts';

/** The solver, where the site plans with one; undefined, and told, where the optional package is not installed. */
export async function findSolver(
  { plan }: Pick<SchedulingConfig, 'plan'>,
  warn: (message: string) => void,
): Promise<SolveProgram | undefined> {
  if (plan !== 'optimal') return undefined;
  try {
    const { loadHighs } = await import('./load-highs.ts');
    return await loadHighs();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) {
      throw error;
    }
    warn(
      'the strategy optimal needs the package highs, which is not installed: placing by the scorer',
    );
    return undefined;
  }
}
