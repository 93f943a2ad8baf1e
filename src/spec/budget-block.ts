import { z } from 'zod';
import { type BasisPoints, type MicroDollars, UNLIMITED } from '../base/units.ts';
import type { TenantId } from '../model/ids.ts';
import { atLimits, type BudgetScope } from '../model/money.ts';
import type { WrittenBudget } from '../model/site-config.ts';
import { oneOf, quantity, text } from './fields.ts';
import type { Path } from './issue.ts';
import { parseDollars, parsePercent, shown } from './quantities.ts';
import { periodSchema, type QuotaDeps } from './quota-block.ts';
import { tenantName, timeZone } from './site-fields.ts';
import type { SiteReading } from './site-reading.ts';

const dollarsForm = 'dollars such as 5 or 50.00';
const dollars = (description: string) =>
  quantity(parseDollars, { description, form: dollarsForm }).optional();

const ruleShape = {
  soft_limit: quantity(parsePercent, {
    description: 'Of the limit: from here on people are told, once in a period.',
    form: 'percentage such as 80%',
  }).optional(),
  at_limit: oneOf(atLimits, {
    description:
      'Nothing new starts until it resets. What runs and cannot be paid any longer: `queue` stops it until then, `finish_step` lets it run to its end, `stop` ends its workload as failed. `refuse` is as `queue`, and takes no submission that needs more than is left.',
    default: 'queue',
  }).optional(),
  time_zone: timeZone.optional(),
};

export const costBudgetSchema = z
  .strictObject({
    hourly: dollars('What all that runs at once may cost in an hour.'),
    daily: dollars('In a day.'),
    monthly: dollars('In a month.'),
    ...ruleShape,
  })
  .meta({ description: 'Money. Prices stand in a file of their own: `berth up --prices FILE`.' });
export type CostBudgetBlock = z.output<typeof costBudgetSchema>;

export const budgetSchema = z
  .strictObject({
    name: text({
      description: 'Unique; what was spent is kept under it when the site changes.',
      max: 128,
      filled: true,
      oneLine: true,
    }),
    limit: quantity(parseDollars, { description: 'The most of it.', form: dollarsForm }),
    per: z
      .union([z.literal('hour'), periodSchema], { error: 'hour, day, month, or a span such as 7d' })
      .meta({
        description:
          '`hour` limits what all that runs at once costs in an hour; the others what is settled in a calendar period, or within the last span.',
        default: 'month',
      })
      .optional(),
    queue: text({ description: 'Counts what is spent there and below.', max: 63 }).optional(),
    tenant: tenantName.optional(),
    team: text({ description: 'Counts what its members spend.', max: 63 }).optional(),
    each: z
      .boolean()
      .meta({
        description: 'Each user has an account; otherwise all have one together.',
        default: false,
      })
      .optional(),
    ...ruleShape,
  })
  .meta({ description: 'Money for a queue, a user, a team, each user, or the whole site.' });
type BudgetBlock = z.output<typeof budgetSchema>;

export const budgetsSchema = z
  .array(budgetSchema)
  .max(1_000)
  .meta({ description: 'Money that may be spent in an hour, a day, a month or a span.' });

/** Members by the name of their team. */
export type Members = ReadonlyMap<string, readonly TenantId[]>;

interface BudgetDeps extends QuotaDeps {
  readonly members: Members;
}

export function readBudgets(
  reading: SiteReading,
  blocks: readonly (Partial<BudgetBlock> | undefined)[],
  deps: BudgetDeps,
): WrittenBudget[] {
  const named = new Map<string, Path>();
  return blocks.flatMap((block, i): WrittenBudget[] => {
    const path = ['budgets', i];
    // What has no name or no limit is wrong in any case, and told.
    if (block?.name === undefined || block.limit === undefined) return [];
    const { name, limit, per = 'month' } = block;
    const first = named.get(name);
    if (first !== undefined) {
      const message = `the budget in line ${reading.line(first)} has this name, too`;
      reading.error([...path, 'name'], message);
    } else named.set(name, [...path, 'name']);
    const scope = scopeOf(reading, block, path, deps);
    if (scope === undefined) return [];
    return [{ name, scope, limit, ...ruleOf(reading, block, { limit, per, path }, deps) }];
  });
}

function scopeOf(
  reading: SiteReading,
  block: Partial<BudgetBlock>,
  path: Path,
  { queueNamed, members }: BudgetDeps,
): BudgetScope | undefined {
  const said = (['queue', 'tenant', 'team'] as const).filter((key) => block[key] !== undefined);
  const whose = block.each === true ? [...said, 'each' as const] : said;
  for (const key of whose.slice(1)) {
    const message = `\`${whose[0]}\` says whose money it is already`;
    reading.error([...path, key], message, { expected: 'two budgets, one for each', at: 'key' });
  }
  if (block.queue !== undefined) {
    const queue = queueNamed(block.queue, [...path, 'queue']);
    return queue && { kind: 'queue', queue };
  }
  if (block.tenant !== undefined) return { kind: 'tenant', tenant: block.tenant as TenantId };
  if (block.team !== undefined) {
    const team = members.get(block.team);
    if (team === undefined) {
      const near = { word: block.team.slice(0, 64), words: [...members.keys()] };
      reading.error([...path, 'team'], `no team is called ${shown(block.team)}`, { near });
      return undefined;
    }
    return { kind: 'team', team: block.team, members: team };
  }
  return block.each === true ? { kind: 'each-tenant', except: [] } : { kind: 'site' };
}

type Per = 'hour' | Exclude<z.output<typeof periodSchema>, undefined>;

function ruleOf(
  reading: SiteReading,
  block: Pick<CostBudgetBlock, 'soft_limit' | 'at_limit' | 'time_zone'>,
  { limit, per, path }: { limit: MicroDollars; per: Per; path: Path },
  { zoneAt }: Pick<QuotaDeps, 'zoneAt'>,
): Pick<WrittenBudget, 'soft' | 'window' | 'atLimit'> {
  const { soft_limit, at_limit = 'queue', time_zone } = block;
  if (time_zone !== undefined && per !== 'day' && per !== 'month') {
    reading.error([...path, 'time_zone'], 'only days and months have a time zone', { at: 'key' });
  }
  const zone = zoneAt(time_zone, [...path, 'time_zone']);
  return {
    ...(soft_limit !== undefined && { soft: partOf(limit, soft_limit) }),
    window:
      per === 'hour'
        ? { kind: 'rate' }
        : typeof per === 'number'
          ? { kind: 'rolling', lengthMs: per }
          : { kind: 'periods', every: per, timeZone: zone },
    atLimit: at_limit,
  };
}

const partOf = (limit: MicroDollars, part: BasisPoints): MicroDollars =>
  (limit >= UNLIMITED
    ? UNLIMITED
    : Number((BigInt(limit) * BigInt(part)) / 10_000n)) as MicroDollars;

const pers = { hourly: 'hour', daily: 'day', monthly: 'month' } as const;

/** The budgets of users and teams, where those of `default` are for each user that has none of his own. */
export function readCostBudgets(
  reading: SiteReading,
  written: {
    readonly users: Readonly<Record<string, { cost_budget?: CostBudgetBlock | undefined }>>;
    readonly usersPath: Path;
    readonly teams: Readonly<Record<string, { cost_budget?: CostBudgetBlock | undefined }>>;
    readonly teamsPath: Path;
    readonly members: Members;
  },
  deps: Pick<QuotaDeps, 'zoneAt'>,
): WrittenBudget[] {
  const { users, usersPath, teams, teamsPath, members } = written;
  const own = Object.keys(users).filter((user) => user !== 'default' && users[user]!.cost_budget);
  const ofUsers = Object.entries(users).flatMap(([user, { cost_budget }]) => {
    const scope: BudgetScope =
      user === 'default'
        ? { kind: 'each-tenant', except: own as TenantId[] }
        : { kind: 'tenant', tenant: user as TenantId };
    const name = user === 'default' ? 'each user' : `user ${user}`;
    const path = [...usersPath, user, 'cost_budget'];
    return cost_budget ? budgetsOf(reading, cost_budget, { name, scope, path }, deps) : [];
  });
  const ofTeams = Object.entries(teams).flatMap(([team, { cost_budget }]) => {
    const scope: BudgetScope = { kind: 'team', team, members: members.get(team) ?? [] };
    const path = [...teamsPath, team, 'cost_budget'];
    return cost_budget
      ? budgetsOf(reading, cost_budget, { name: `team ${team}`, scope, path }, deps)
      : [];
  });
  return [...ofUsers, ...ofTeams];
}

function budgetsOf(
  reading: SiteReading,
  block: CostBudgetBlock,
  { name, scope, path }: { name: string; scope: BudgetScope; path: Path },
  deps: Pick<QuotaDeps, 'zoneAt'>,
): WrittenBudget[] {
  const said = (['hourly', 'daily', 'monthly'] as const).filter((key) => block[key] !== undefined);
  if (said.length === 0) {
    const expected = '`hourly`, `daily` or `monthly`';
    reading.error(path, 'the budget limits nothing', { expected });
  }
  if (block.daily !== undefined && block.monthly !== undefined && block.daily > block.monthly) {
    const message = `is more than the budget of a month in line ${reading.line([...path, 'monthly'])}`;
    reading.error([...path, 'daily'], message);
  }
  return said.map((key) => {
    const limit = block[key]!;
    const per = pers[key];
    // A zone that is given for days and months says nothing of hours.
    const { time_zone: _, ...hourly } = block;
    const rule = ruleOf(reading, per === 'hour' ? hourly : block, { limit, per, path }, deps);
    return { name: `${name}, per ${per}`, scope, limit, ...rule };
  });
}
