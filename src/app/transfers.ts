import { existsSync, lstatSync, statSync } from 'node:fs';
import { basename, join, normalize } from 'node:path';
import type { TransferDocument, TransferSite } from '../api/contract/transfer-documents.ts';
import type { BitsPerSecond, TimeMs } from '../base/units.ts';
import { OperationError } from '../model/errors.ts';
import { storageFailure } from '../store/io/storage-failure.ts';
import { TransferKeeper } from '../transfer/io/transfer-keeper.ts';
import type { Transfer, TransferOrder } from '../transfer/transfer.ts';
import type { DaemonLog } from './daemon-log.ts';

export interface LiveTransfersOptions {
  readonly stateDir: string;
  /** Folders that volumes of a class lie in. */
  readonly storageClasses: ReadonlyMap<string, string>;
  readonly now: () => TimeMs;
  readonly log: DaemonLog;
}

/** The transfers of one daemon, as the API shows them. */
export class LiveTransfers implements TransferSite {
  readonly #options: LiveTransfersOptions;
  readonly #keeper: TransferKeeper;

  /** @throws OperationError STATE_UNWRITABLE, STATE_FULL. What a crash cut off goes on. */
  constructor(options: LiveTransfersOptions) {
    this.#options = options;
    const { stateDir, now, log } = options;
    const dir = join(stateDir, 'transfers');
    try {
      const warn = (sentence: string, error?: unknown): void => log('transfer', sentence, error);
      this.#keeper = new TransferKeeper({ dir, now, warn });
    } catch (error) {
      throw storageFailure(`the transfers in ${dir}`, error);
    }
  }

  async ask(request: Parameters<TransferSite['ask']>[0]): Promise<TransferDocument> {
    const order = this.#orderOf(request);
    const writer = this.#keeper.writerOf(order.to);
    if (writer !== undefined) {
      throw refused(`Transfer ${writer.id} writes ${order.to} already.`);
    }
    try {
      return documentOf(await this.#keeper.add(order, request.resume));
    } catch (error) {
      throw storageFailure('the record of the transfer', error);
    }
  }

  transfer(id: string): TransferDocument | undefined {
    const transfer = this.#keeper.get(id);
    return transfer && documentOf(transfer);
  }

  transfers(): readonly TransferDocument[] {
    return this.#keeper.all().map(documentOf);
  }

  async cancel(id: string): Promise<TransferDocument | undefined> {
    const transfer = await this.#keeper.cancel(id);
    return transfer && documentOf(transfer);
  }

  async clean(): Promise<readonly TransferDocument[]> {
    try {
      return (await this.#keeper.clean()).map(documentOf);
    } catch (error) {
      throw storageFailure('what transfers left', error);
    }
  }

  close(): Promise<void> {
    return this.#keeper.close();
  }

  #orderOf(request: Parameters<TransferSite['ask']>[0]): TransferOrder {
    const from = this.#pathOf(request.from);
    let to = this.#pathOf(request.to);
    if (statSync(to, { throwIfNoEntry: false })?.isDirectory() === true)
      to = join(to, basename(from));
    if (lstatSync(from, { throwIfNoEntry: false }) === undefined) {
      throw refused(`There is no ${from}.`);
    }
    if (existsSync(to))
      throw refused(`${to} is there already.`, 'Remove it, or choose another name.');
    if (`${to}/`.startsWith(`${from}/`)) throw refused(`${to} is inside of ${from}.`);
    const { stateDir } = this.#options;
    if (`${to}/`.startsWith(`${stateDir}/`) && !to.startsWith(`${stateDir}/volumes/`)) {
      throw refused(`${to} is in the state folder, where only volumes are written to.`);
    }
    const { rate_bits_per_second: rate, checksum } = request;
    return {
      from,
      to,
      ...(rate !== undefined && { rate: rate as BitsPerSecond }),
      checksum,
    };
  }

  /** `volume:NAME/…` is in the folder of that volume, wherever it lies. */
  #pathOf(written: string): string {
    const [, name, rest = ''] =
      /^volume:([A-Za-z0-9][A-Za-z0-9_-]{0,62})(\/.*)?$/s.exec(written) ?? [];
    const { stateDir, storageClasses } = this.#options;
    if (name === undefined) {
      if (!written.startsWith('/') || written.includes('\0')) {
        throw new OperationError(
          'USAGE',
          `${written} is neither an absolute path nor volume:NAME.`,
        );
      }
      return withoutSlash(normalize(written));
    }
    const folders = [join(stateDir, 'volumes'), ...storageClasses.values()];
    const volume = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
    if (volume === undefined) throw refused(`There is no volume ${name} here.`);
    const path = withoutSlash(normalize(`${volume}${rest}`));
    if (path !== volume && !path.startsWith(`${volume}/`)) {
      throw refused(`${written} is not in the volume ${name}.`);
    }
    return path;
  }
}

const withoutSlash = (path: string): string => (path === '/' ? path : path.replace(/\/+$/, ''));

const refused = (sentence: string, hint?: string): OperationError =>
  new OperationError('REFUSED', sentence, hint === undefined ? {} : { hint });

const documentOf = (transfer: Transfer): TransferDocument => ({
  id: transfer.id,
  from: transfer.order.from,
  to: transfer.order.to,
  rate_bits_per_second: transfer.order.rate ?? null,
  checksum: transfer.order.checksum,
  state: transfer.state,
  asked_at: transfer.askedAt,
  started_at: transfer.startedAt ?? null,
  ended_at: transfer.endedAt ?? null,
  starts: transfer.starts,
  files: transfer.files ?? null,
  bytes: transfer.bytes ?? null,
  moved_bytes: transfer.moved,
  resumed_bytes: transfer.resumed,
  sum: transfer.sum ?? null,
  message: transfer.message ?? null,
});
