import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { AttemptId } from '../../../model/ids.ts';
import { asAttemptId } from '../../launcher-protocol.ts';
import type { NetworkPlan } from '../../network-plan.ts';
import {
  devicePrefix,
  LINKS_MAX,
  linkCommands,
  linkNamed,
  type TaskLink,
  taskLink,
} from '../../traffic-control.ts';

const NAMESPACES = '/run/netns';
const DEVICES = '/sys/class/net';
const PROGRAM_MS = 10_000;
const PROBE = '0.probe.0.1';

type Rates = NonNullable<NetworkPlan['link']>;

/**
 * Network namespaces of tasks, each with one link to the host that the kernel holds to the task's rates.
 * All are named after the instance, so that what a daemon that was killed left is found by the next one.
 */
export class TaskLinks {
  readonly #instance: string;
  readonly #links = new Map<AttemptId, { readonly link: TaskLink; readonly slot: number }>();
  #unshaped: Promise<string | undefined> | undefined;
  /** Commands of one link after the other: slots are chosen by what is there. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(instance: string) {
    this.#instance = instance;
  }

  /** Finds the links of attempts that run on, and removes what else there is of this instance. */
  async open(isKept: (attempt: AttemptId) => boolean): Promise<readonly TaskLink[]> {
    for (const name of entriesOf(NAMESPACES)) {
      const found = linkNamed(this.#instance, name);
      if (found === undefined) continue;
      const attempt = asAttemptId(found.attempt);
      const { link, slot } = found;
      const isWhole = existsSync(`${DEVICES}/${link.device}`);
      if (attempt !== undefined && isWhole && isKept(attempt)) {
        this.#links.set(attempt, { link, slot });
      } else await removeLink(link);
    }
    const kept = [...this.#links.values()].map(({ link }) => link);
    for (const device of entriesOf(DEVICES)) {
      if (!device.startsWith(devicePrefix(this.#instance))) continue;
      if (!kept.some((link) => link.device === device)) await run('ip', ['link', 'del', device]);
    }
    return kept;
  }

  /** Why this host does not let us; tried once, when it is first asked. */
  unshaped(): Promise<string | undefined> {
    this.#unshaped ??= this.#try();
    return this.#unshaped;
  }

  /** The link of the attempt, made when it is not there. */
  make(attempt: AttemptId, rates: Rates): Promise<TaskLink> {
    return this.#inTurn(async () => {
      const there = this.#links.get(attempt);
      if (there !== undefined) return there.link;
      const slot = this.#freeSlot();
      const link = taskLink(this.#instance, slot, attempt);
      await makeLink(link, rates);
      this.#links.set(attempt, { link, slot });
      return link;
    });
  }

  linkOf(attempt: AttemptId): TaskLink | undefined {
    return this.#links.get(attempt)?.link;
  }

  async remove(attempt: AttemptId): Promise<void> {
    await this.#inTurn(async () => {
      const there = this.#links.get(attempt);
      this.#links.delete(attempt);
      if (there !== undefined) await removeLink(there.link);
    });
  }

  async #try(): Promise<string | undefined> {
    if (process.getuid?.() !== 0) return 'links and namespaces need root';
    const slot = this.#freeSlot();
    const link = taskLink(this.#instance, slot, PROBE);
    return this.#inTurn(async () => {
      try {
        await makeLink(link, { egress: 1_000_000, ingress: 1_000_000 } as Rates);
        return undefined;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      } finally {
        await removeLink(link);
      }
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  #freeSlot(): number {
    const taken = new Set([...this.#links.values()].map(({ slot }) => slot));
    const addresses = new Set(
      Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map((one) => one.address)),
    );
    for (let slot = 0; slot < LINKS_MAX; slot++) {
      const { hostAddress, device } = taskLink(this.#instance, slot, PROBE);
      if (taken.has(slot) || addresses.has(hostAddress)) continue;
      if (!existsSync(`${DEVICES}/${device}`)) return slot;
    }
    throw new Error(`all ${LINKS_MAX} links are in use`);
  }
}

/** What was made is removed again where not all can be. */
async function makeLink(link: TaskLink, rates: Rates): Promise<void> {
  const { namespace } = link;
  const commands = linkCommands(link, rates);
  try {
    await run('ip', ['netns', 'add', namespace]);
    await run('ip', ['-batch', '-'], commands.onHost);
    await run('ip', ['-n', namespace, '-batch', '-'], commands.inside);
    if (commands.shapeHost.length > 0) await run('tc', ['-batch', '-'], commands.shapeHost);
    if (commands.shapeInside.length > 0) {
      await run('tc', ['-n', namespace, '-batch', '-'], commands.shapeInside);
    }
  } catch (error) {
    await removeLink(link);
    throw error;
  }
}

/** Processes that are left in the namespace keep it, without a link. */
async function removeLink({ namespace, device }: TaskLink): Promise<void> {
  if (existsSync(`${DEVICES}/${device}`)) await run('ip', ['link', 'del', device]).catch(() => {});
  if (existsSync(`${NAMESPACES}/${namespace}`)) {
    await run('ip', ['netns', 'del', namespace]).catch(() => {});
  }
}

export const namespaceFile = ({ namespace }: TaskLink): string => `${NAMESPACES}/${namespace}`;

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Rejects with what the program said. */
async function run(
  program: string,
  args: readonly string[],
  lines: readonly string[] = [],
): Promise<void> {
  const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'], timeout: PROGRAM_MS });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on('error', reject);
  child.on('close', resolve);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < 400) said += text;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(lines.map((line) => `${line}\n`).join(''));
  const code = await promise;
  if (code === 0) return;
  const why = said.trim().split('\n')[0]?.slice(0, 200) ?? '';
  throw new Error(`${program} ${args[0]}: ${why === '' ? `exit ${code}` : why}`);
}
