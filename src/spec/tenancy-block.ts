import { z } from 'zod';
import { type BasisPoints, UNLIMITED } from '../base/units.ts';
import type { TenantId } from '../model/ids.ts';
import {
  defaultTenant,
  NO_AMOUNTS,
  type StorageQuota,
  type TeamConfig,
  type TenantConfig,
  type TenantsConfig,
  UNLIMITED_AMOUNTS,
} from '../model/scheduling-config.ts';
import type {
  IsolationLevel,
  WrittenBudget,
  WrittenQuota,
  WrittenSubmissionLimit,
} from '../model/site-config.ts';
import { costBudgetSchema, type Members, readCostBudgets } from './budget-block.ts';
import { quantity, text } from './fields.ts';
import type { Path } from './issue.ts';
import { parseBytes, parseFactor, parseHours, shown } from './quantities.ts';
import { type QuotaDeps, readUsage, type UsageBlock, usageShape } from './quota-block.ts';
import {
  amounts,
  amountsSchema,
  count,
  limitAmounts,
  orUnlimited,
  queueName,
  tenantName,
  toAmounts,
  WEIGHTS_EXPECTED,
  WEIGHTS_MESSAGE,
  weight,
  wholeWeights,
} from './site-fields.ts';
import type { SiteReading } from './site-reading.ts';

const storageSize = (whose: string) =>
  quantity(parseBytes, {
    description: `Of what Berth keeps for ${whose}: scratch, working folders, volumes, kept results, logs. Who keeps so much starts nothing new; what runs goes on.`,
    form: 'bytes such as 10Gi',
    finite: true,
  }).optional();

const costShape = {
  storage_quota: storageSize('them'),
  cost_budget: costBudgetSchema.optional(),
};

const submissionShape = {
  concurrent_pipelines: count(
    'Workloads that have not ended, whatever queue they are in; leases are not counted.',
  ).optional(),
  daily_executions: count('Workloads submitted from midnight to midnight.').optional(),
};
type SubmissionBlock = z.output<z.ZodObject<typeof submissionShape>>;

/** What is said of one user in one queue. */
export const tenantShape = {
  weight: weight('Their part beside the others, or their lottery tickets.').optional(),
  limit: limitAmounts('They never hold more in one queue.').optional(),
  max_running: count('Tasks that run at once in one queue.').optional(),
  max_active: count('Tasks of workloads that have not ended, in one queue.').optional(),
};
const tenantSchema = z.strictObject(tenantShape);
export type TenantBlock = z.output<typeof tenantSchema>;

export const tenantsSchema = z
  .record(z.string().min(1).max(128), tenantSchema)
  .meta({ description: 'What each user may, by name; `default` is for whoever is not named.' });
export type TenantsBlock = z.output<typeof tenantsSchema>;

export const oversubscriptionSchema = quantity(parseFactor, {
  description: 'Multiplies guarantee and limits: with 1.5, requests of 12 CPU share a limit of 8.',
  form: 'factor such as 1.5',
  min: { value: 10_000, text: '1' },
  finite: true,
  default: '1',
});

const teamSchema = z.strictObject({
  weight: weight('Its part beside the other teams.').optional(),
  members: z
    .array(tenantName)
    .max(100_000)
    .meta({ description: 'Who is in it; a user is in one team at most.' })
    .optional(),
  dedicated_resources: amounts('Kept for it in each queue, idle if need be.').optional(),
  limit: limitAmounts('It never holds more in one queue.').optional(),
  max_running: count('Tasks that run at once in one queue.').optional(),
  ...submissionShape,
  ...costShape,
});

export const teamsSchema = z.record(queueName, teamSchema).meta({
  description:
    'Teams share each queue by weight, and each shares its part among its members. Whoever is in none is in `others`, of weight 1.',
});
export type TeamsBlock = z.output<typeof teamsSchema>;

const userSchema = z.strictObject({
  ...tenantShape,
  ...submissionShape,
  quotas: z
    .array(z.strictObject(usageShape))
    .max(16)
    .meta({
      description:
        'Amounts over periods; those of `default` are for each that has none of their own.',
    })
    .optional(),
  ...costShape,
});
const usersSchema = z
  .record(z.string().min(1).max(128), userSchema)
  .meta({ description: 'What each user may, by name; `default` is for whoever is not named.' });
type UsersBlock = z.output<typeof usersSchema>;

const monthly = (what: string) =>
  quantity(parseHours, {
    description: `${what} of each user per month.`,
    form: 'hours such as 100 or 0.5',
  }).optional();

export const tenancySchema = z
  .strictObject({
    enabled: z
      .boolean()
      .meta({ description: 'False: the block is ignored.', default: true })
      .optional(),
    isolation_level: z
      .enum(['namespace', 'none'])
      .meta({
        description:
          '`namespace`: users see and touch only their own workloads, logs and leases; `none`: they see those of others, too.',
        default: 'namespace',
      })
      .optional(),
    users: usersSchema.optional(),
    user_limits: usersSchema.meta({ description: 'Another name of `users`.' }).optional(),
    teams: teamsSchema.optional(),
    team_limits: teamsSchema.meta({ description: 'Another name of `teams`.' }).optional(),
    resource_allocation: z
      .strictObject({
        method: text({ description: 'Another name of `scheduling.policy`.', max: 128 }).optional(),
        oversubscription_ratio: oversubscriptionSchema
          .meta({
            description:
              'So much CPU is given out for each that the machines have, and as much more is counted of the guarantees and limits of queues that do not say otherwise: with 1.5, requests of 12 CPU run on 8. Of memory nothing is given out twice; limits hold each task as before.',
          })
          .optional(),
      })
      .meta({ description: 'For all queues that do not say otherwise.' })
      .optional(),
    tenant_limits: z
      .strictObject({
        compute: z
          .strictObject({
            cpu_cores_per_tenant: amountsSchema.shape.cpu,
            memory_per_tenant: amountsSchema.shape.memory,
            gpus_per_tenant: amountsSchema.shape.gpu,
          })
          .meta({ description: 'What each user may hold at once, in one queue.' })
          .optional(),
        quotas: z
          .strictObject({
            storage_per_tenant: storageSize('each user'),
            monthly_compute_hours: monthly('Core-hours'),
            monthly_gpu_hours: monthly('GPU-hours'),
          })
          .meta({ description: 'What each user may use in a month.' })
          .optional(),
      })
      .meta({ description: 'Limits of each user.' })
      .optional(),
  })
  .meta({ description: 'Users and teams.' });

export type TenancyBlock = z.output<typeof tenancySchema>;

export interface Tenancy {
  readonly users: TenantsBlock;
  readonly teams: TeamsBlock | undefined;
  readonly teamsPath: Path;
  readonly oversubscription: BasisPoints | undefined;
  readonly quotas: readonly WrittenQuota[];
  readonly submissions: readonly WrittenSubmissionLimit[];
  readonly storage: readonly StorageQuota[];
  readonly isolation?: IsolationLevel;
  readonly budgets: readonly WrittenBudget[];
  readonly members: Members;
}

export const noTenancy: Tenancy = {
  users: {},
  teams: undefined,
  teamsPath: [],
  oversubscription: undefined,
  quotas: [],
  budgets: [],
  members: new Map(),
  submissions: [],
  storage: [],
};

export function readTenancy(
  reading: SiteReading,
  block: Partial<TenancyBlock>,
  deps: Pick<QuotaDeps, 'zoneAt'>,
): Tenancy {
  const path = ['multi_tenancy'];
  if (block.enabled === false) return noTenancy;
  const userKey = reading.oneKey(path, ['users', 'user_limits']) ?? 'users';
  const teamKey = reading.oneKey(path, ['teams', 'team_limits']) ?? 'teams';
  const users = block[userKey] ?? {};
  const teams = block[teamKey] ?? {};
  const members = new Map(
    Object.entries(teams).map(([name, team]) => [name, (team.members ?? []) as TenantId[]]),
  );
  const written: Record<string, TenantBlock> = {};
  for (const [name, user] of Object.entries(users)) {
    written[name] = readUser(user);
  }
  const { cpu_cores_per_tenant, memory_per_tenant, gpus_per_tenant } =
    block.tenant_limits?.compute ?? {};
  const limit = { cpu: cpu_cores_per_tenant, memory: memory_per_tenant, gpu: gpus_per_tenant };
  if (block.tenant_limits?.compute !== undefined) {
    written['default'] = {
      ...written['default'],
      limit: { ...limit, ...written['default']?.limit },
    };
  }
  return {
    users: written,
    teams: block[teamKey],
    teamsPath: [...path, teamKey],
    members,
    budgets: readCostBudgets(
      reading,
      { users, usersPath: [...path, userKey], teams, teamsPath: [...path, teamKey], members },
      deps,
    ),
    ...(block.isolation_level && { isolation: block.isolation_level }),
    oversubscription: block.resource_allocation?.oversubscription_ratio,
    quotas: [
      ...userQuotas(reading, users, [...path, userKey], deps),
      ...monthlyQuotas(block, users, deps),
    ],
    submissions: [
      ...submissionsOfUsers(users, deps),
      ...submissionsOfTeams(block[teamKey] ?? {}, deps),
    ],
    storage: storageQuotas(block, users, teams),
  };
}

function readUser(user: UsersBlock[string]): TenantBlock {
  const { weight, limit, max_running, max_active } = user;
  return { weight, limit, max_running, max_active };
}

/** Those of `default` are for each who has none of his own, key by key. */
function submissionsOfUsers(
  users: UsersBlock,
  deps: Pick<QuotaDeps, 'zoneAt'>,
): WrittenSubmissionLimit[] {
  const byDefault = users['default'] ?? {};
  const saying = Object.entries(users).filter(
    ([user, one]) =>
      user !== 'default' &&
      (one.concurrent_pipelines !== undefined || one.daily_executions !== undefined),
  );
  const except = saying.map(([user]) => user as TenantId);
  const own = saying.flatMap(([user, one]) => {
    const merged = {
      concurrent_pipelines: one.concurrent_pipelines ?? byDefault.concurrent_pipelines,
      daily_executions: one.daily_executions ?? byDefault.daily_executions,
    };
    const whom = { name: `user ${user}`, tenants: [user as TenantId], each: false };
    return submissionLimit(whom, merged, deps);
  });
  const others = { name: 'each user', each: true, ...(except.length > 0 && { except }) };
  return [...own, ...submissionLimit(others, byDefault, deps)];
}

/** Those of `default` are for each who has none of his own. */
function storageQuotas(
  block: Partial<TenancyBlock>,
  users: UsersBlock,
  teams: TeamsBlock,
): StorageQuota[] {
  const found: StorageQuota[] = [];
  const own = Object.entries(users).filter(
    ([user, one]) => user !== 'default' && one.storage_quota !== undefined,
  );
  for (const [user, { storage_quota: limit }] of own) {
    found.push({ name: `user ${user}`, tenants: [user as TenantId], each: true, limit: limit! });
  }
  const except = own.map(([user]) => user as TenantId);
  const others = { each: true, ...(except.length > 0 && { except }) };
  const byDefault = users['default']?.storage_quota;
  if (byDefault !== undefined) found.push({ name: 'each user', ...others, limit: byDefault });
  const perTenant = block.tenant_limits?.quotas?.storage_per_tenant;
  if (perTenant !== undefined) found.push({ name: 'each tenant', ...others, limit: perTenant });
  for (const [name, team] of Object.entries(teams)) {
    const tenants = (team.members ?? []) as TenantId[];
    const limit = team.storage_quota;
    if (limit !== undefined) found.push({ name: `team ${name}`, tenants, each: false, limit });
  }
  return found;
}

function submissionsOfTeams(
  teams: TeamsBlock,
  deps: Pick<QuotaDeps, 'zoneAt'>,
): WrittenSubmissionLimit[] {
  return Object.entries(teams).flatMap(([name, team]) => {
    const tenants = (team.members ?? []) as TenantId[];
    return submissionLimit({ name: `team ${name}`, tenants, each: false }, team, deps);
  });
}

function submissionLimit(
  whom: Pick<WrittenSubmissionLimit, 'name' | 'tenants' | 'except' | 'each'>,
  { concurrent_pipelines: active, daily_executions: max }: SubmissionBlock,
  deps: Pick<QuotaDeps, 'zoneAt'>,
): WrittenSubmissionLimit[] {
  if (active === undefined && max === undefined) return [];
  const timeZone = deps.zoneAt(undefined, ['multi_tenancy']);
  const window = { kind: 'periods', every: 'day', timeZone } as const;
  const submitted = max === undefined ? undefined : { max, window };
  return [{ ...whom, active: orUnlimited(active), ...(submitted && { submitted }) }];
}

function userQuotas(
  reading: SiteReading,
  users: UsersBlock,
  path: Path,
  deps: Pick<QuotaDeps, 'zoneAt'>,
): WrittenQuota[] {
  const blocks = Object.entries(users).flatMap(([user, { quotas = [] }]) =>
    quotas.map((block, i) => ({ user, block, path: [...path, user, 'quotas', i] })),
  );
  return quotasByUser(reading, blocks, deps);
}

/** Quotas of users, where those of `default` are for each that has none of their own. */
export function quotasByUser(
  reading: SiteReading,
  blocks: readonly { readonly user: string; readonly block: UsageBlock; readonly path: Path }[],
  deps: Pick<QuotaDeps, 'zoneAt'>,
): WrittenQuota[] {
  const named = [...new Set(blocks.map(({ user }) => user))].filter((user) => user !== 'default');
  const except = named as TenantId[];
  const seen = new Map<string, number>();
  return blocks.map(({ user, block, path }) => {
    const usage = readUsage(reading, block, path, deps);
    const every = usage.window.kind === 'rolling' ? 'span' : usage.window.every;
    const name = user === 'default' ? `each user, per ${every}` : `user ${user}, per ${every}`;
    const number = (seen.get(name) ?? 0) + 1;
    seen.set(name, number);
    return {
      name: number === 1 ? name : `${name} (${number})`,
      ...(user === 'default' ? { each: true, except } : { each: false, tenant: user as TenantId }),
      ...usage,
    };
  });
}

function monthlyQuotas(
  block: Partial<TenancyBlock>,
  users: UsersBlock,
  deps: Pick<QuotaDeps, 'zoneAt'>,
): WrittenQuota[] {
  const path = ['multi_tenancy', 'tenant_limits', 'quotas'];
  const { monthly_compute_hours, monthly_gpu_hours } = block.tenant_limits?.quotas ?? {};
  if (monthly_compute_hours === undefined && monthly_gpu_hours === undefined) return [];
  const timeZone = deps.zoneAt(undefined, path);
  const usage: Pick<WrittenQuota, 'limit' | 'window' | 'whenExhausted'> = {
    limit: {
      cpu: orUnlimited(monthly_compute_hours),
      memory: UNLIMITED,
      gpu: orUnlimited(monthly_gpu_hours),
    },
    window: { kind: 'periods', every: 'month', timeZone },
    whenExhausted: 'wait',
  };
  const own = Object.entries(users).filter(([user, one]) => user !== 'default' && one.quotas);
  const except = own.map(([user]) => user as TenantId);
  return [{ name: 'monthly hours of each user', each: true, except, ...usage }];
}

/** What users may in one queue: the inner layers say more than the outer ones, key by key. */
export function tenantsOf(
  reading: SiteReading,
  layers: readonly TenantsBlock[],
  path: Path,
): TenantsConfig {
  const names = [...new Set(layers.flatMap((layer) => Object.keys(layer)))].sort();
  const merged = (name: string): TenantBlock => {
    const said = ['default', name].flatMap((user) =>
      layers.flatMap((layer) => (Object.hasOwn(layer, user) ? [layer[user]!] : [])),
    );
    return Object.assign({}, ...said.map(withoutUndefined));
  };
  const users = names.filter((name) => name !== 'default');
  const blocks = [merged('default'), ...users.map(merged)];
  const weights = wholeWeights(blocks.map((one) => one.weight));
  if (weights === undefined) reading.error(path, WEIGHTS_MESSAGE, { expected: WEIGHTS_EXPECTED });
  const [byDefault, ...others] = blocks.map(
    (one, i): TenantConfig => ({
      weight: weights?.[i] ?? 1,
      limit: toAmounts(one.limit, UNLIMITED_AMOUNTS),
      runningMax: orUnlimited(one.max_running),
      activeMax: orUnlimited(one.max_active),
    }),
  );
  return {
    byDefault: byDefault ?? defaultTenant,
    byName: Object.fromEntries(users.map((name, i) => [name, others[i] ?? defaultTenant])),
  };
}

function withoutUndefined(block: TenantBlock): TenantBlock {
  return Object.fromEntries(Object.entries(block).filter(([, value]) => value !== undefined));
}

/** The teams of one queue. */
export function teamsOf(reading: SiteReading, block: TeamsBlock, path: Path): TeamConfig[] {
  const teamOf = new Map<string, Path>();
  const entries = Object.entries(block);
  const weights = wholeWeights(entries.map(([, team]) => team.weight));
  if (weights === undefined) reading.error(path, WEIGHTS_MESSAGE, { expected: WEIGHTS_EXPECTED });
  return entries.map(([name, team], i) => {
    const own = [...path, name];
    if (name === 'others') {
      const message = '`others` are all who are in no team';
      reading.error(own, message, { expected: 'another name', at: 'key' });
    }
    const members = team.members ?? [];
    if (members.length === 0) reading.warn(own, 'nobody is in this team');
    for (const [j, member] of members.entries()) {
      const first = teamOf.get(member);
      if (first !== undefined) {
        const where = `${shown(String(first.at(-3)))} in line ${reading.line(first)}`;
        const message = `${shown(member)} is in the team ${where}, too`;
        reading.error([...own, 'members', j], message, { expected: 'each user in one team' });
      } else teamOf.set(member, [...own, 'members', j]);
    }
    const { dedicated_resources: dedicated, limit, max_running } = team;
    return {
      name,
      weight: weights?.[i] ?? 1,
      members: [...new Set(members)] as TenantId[],
      ...(dedicated && { dedicated: toAmounts(dedicated, NO_AMOUNTS) }),
      ...(limit && { limit: toAmounts(limit, UNLIMITED_AMOUNTS) }),
      ...(max_running !== undefined && { runningMax: max_running }),
    };
  });
}

/** Shares of teams, where `multi_tenancy` may say the rest of them. */
export function withShares(
  teams: TeamsBlock | undefined,
  shares: Readonly<Record<string, BasisPoints>> | undefined,
): TeamsBlock | undefined {
  if (shares === undefined) return teams;
  const merged: TeamsBlock = { ...teams };
  for (const [name, weight] of Object.entries(shares)) merged[name] = { ...merged[name], weight };
  return merged;
}
