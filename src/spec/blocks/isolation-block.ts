import { z } from 'zod';
import type { IsolationTerms } from '../../model/execution-terms.ts';
import { SECRET_NAME } from '../../model/secret-name.ts';
import { isSystemCall } from '../../model/system-calls.ts';
import type { Path, Problem } from '../issue.ts';
import { defineBlock } from './execution-block.ts';

const PATHS_MAX = 256;
/** So many fit in a filter of the kernel with all else that is in it. */
const CALLS_MAX = 200;
/** Without these no program can be executed, or come to an end. */
const needed = ['execve', 'exit', 'exit_group', 'read', 'write', 'mmap', 'rt_sigreturn'];

const path = z
  .string()
  .regex(/^\/(?!.*(\/\/|(^|\/)\.\.?(\/|$)))[^\p{Cc}]{0,4094}$/u, {
    error: 'an absolute path without . .. or // in it',
  })
  .transform((written) => (written === '/' ? '/' : written.replace(/\/$/, '')))
  .meta({ description: 'An absolute path.' });
const paths = (description: string) =>
  z.array(path).max(PATHS_MAX).meta({ description }).optional();
const flag = (description: string) => z.boolean().meta({ description, default: false }).optional();

const schema = z
  .strictObject({
    required: z
      .boolean()
      .meta({
        description: 'False: it runs without what this host cannot give, and says so.',
        default: true,
      })
      .optional(),
    user: z
      .string()
      .regex(/^[a-z_][a-z0-9_.-]{0,31}$/i, { error: 'the name of a user' })
      .meta({ description: 'Runs as this user; needs a daemon of root.' })
      .optional(),
    no_new_privileges: flag('It cannot gain privileges by setuid programs.'),
    private_tmp: flag('A /tmp of its own, in memory, gone with it.'),
    read_only: paths('It may read these and not write; `/` makes all read-only but its folders.'),
    writable: paths('It may write these, although one above is read-only.'),
    namespaces: z
      .array(z.enum(['user', 'mount', 'pid', 'network', 'ipc', 'uts']))
      .meta({ description: 'Of its own. `network`: it has only a loopback.' })
      .optional(),
    devices: paths(
      'Device files that it may open, beside the harmless ones and GPUs; all, when not given.',
    ),
    seccomp: z
      .union([
        z.enum(['default', 'off']),
        z
          .array(
            z
              .string()
              .refine(isSystemCall, { error: 'no system call has this name' })
              .refine((name) => !needed.includes(name), { error: 'no program runs without it' }),
          )
          .max(CALLS_MAX),
      ])
      .meta({
        description:
          'System calls that fail with EPERM: `default` is what ordinary programs never call, a list is of their names.',
        default: 'off',
      })
      .optional(),
    daemon_access: z
      .boolean()
      .meta({
        description: 'It may call the daemon: BERTH_URL and a BERTH_TOKEN of its own.',
        default: false,
      })
      .optional(),
    secrets: z
      .array(
        z.strictObject({
          secret: z
            .string()
            .regex(SECRET_NAME, { error: 'the name of a secret' })
            .meta({ description: 'As `berth secret set` was given it.' }),
          as: z
            .enum(['file', 'environment'])
            .meta({ description: '`file`: in the folder BERTH_SECRETS.', default: 'file' })
            .optional(),
          name: z
            .string()
            .regex(SECRET_NAME, { error: 'letters, digits, _ . and -, at most 128' })
            .meta({ description: 'Of the file or variable; that of the secret, when not given.' })
            .optional(),
        }),
      )
      .max(PATHS_MAX)
      .meta({ description: 'Secrets of the site that it is given when it starts.' })
      .optional(),
  })
  .meta({ description: 'What it may see and touch of the host.' });

export const isolationBlock = defineBlock({
  key: 'isolation',
  schema,
  read(block, at, problems) {
    if (block.user !== undefined && block.namespaces?.includes('user') === true) {
      const message = 'who runs as another user cannot have users of its own';
      problems.push({ path: [...at, 'namespaces'], message });
    }
    if (block.daemon_access === true && block.namespaces?.includes('network') === true) {
      const message = 'the daemon cannot be reached from a network of its own';
      problems.push({ path: [...at, 'daemon_access'], message });
    }
    const both = block.read_only?.filter((one) => block.writable?.includes(one) === true) ?? [];
    for (const one of both) {
      problems.push({ path: [...at, 'writable'], message: `${one} is read_only, too` });
    }
    return termsOf(block, secretsOf(block, at, problems));
  },
});

type Block = z.output<typeof schema>;
type Secrets = NonNullable<IsolationTerms['secrets']>;

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

function secretsOf({ secrets }: Block, at: Path, problems: Problem[]): Secrets | undefined {
  const seen = new Set<string>();
  return secrets?.map(({ secret, as = 'file', name = secret }, i) => {
    const path = [...at, 'secrets', i];
    if (as === 'environment' && (!VARIABLE.test(name) || name.startsWith('BERTH_'))) {
      const message = `${name} is no name for a variable`;
      problems.push({
        path,
        message,
        expected: 'letters, digits and _, not beginning with BERTH_',
      });
    }
    const key = `${as} ${name}`;
    if (seen.has(key)) problems.push({ path, message: `there is another ${as} ${name}` });
    seen.add(key);
    return { secret, as, name };
  });
}

function termsOf(block: Block, secrets: Secrets | undefined): IsolationTerms {
  const { no_new_privileges: noNewPrivileges, private_tmp: privateTmp } = block;
  return {
    ...(block.required !== undefined && { required: block.required }),
    ...(block.user !== undefined && { user: block.user }),
    ...(noNewPrivileges !== undefined && { noNewPrivileges }),
    ...(privateTmp !== undefined && { privateTmp }),
    ...(block.read_only && { readOnly: block.read_only }),
    ...(block.writable && { writable: block.writable }),
    ...(block.namespaces && { namespaces: [...new Set(block.namespaces)] }),
    ...(block.devices && { devices: block.devices }),
    ...(block.seccomp !== undefined && { seccomp: block.seccomp }),
    ...(block.daemon_access !== undefined && { daemonAccess: block.daemon_access }),
    ...(secrets && { secrets }),
  };
}
