import type { Secrets } from '../cli/world.ts';
import { OperationError } from '../model/errors.ts';
import { SECRET_BYTES_MAX } from '../model/secret-name.ts';

/** Secrets of the site on this machine: they are files of the state folder, and pass through no daemon. */
export function openSecrets(stateDir: string): Secrets {
  const files = () => import('../store/io/secret-files.ts');
  return {
    async set(name) {
      const value = withoutNewline(await readValue());
      if (value.length === 0) throw new OperationError('USAGE', 'The value on stdin is empty.');
      (await files()).writeSecret(stateDir, name, value);
      return value.length;
    },
    async list() {
      return (await files()).listSecrets(stateDir);
    },
    async remove(name) {
      return (await files()).removeSecret(stateDir, name);
    },
  };
}

async function readValue(): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of process.stdin as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > SECRET_BYTES_MAX) {
      const sentence = `A secret has at most ${SECRET_BYTES_MAX} bytes.`;
      throw new OperationError('USAGE', sentence);
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** `echo` and editors end a line that was meant as a word. */
function withoutNewline(value: Buffer): Buffer {
  const single = value.indexOf('\n') === value.length - 1;
  return single && value.length > 0 ? value.subarray(0, -1) : value;
}
