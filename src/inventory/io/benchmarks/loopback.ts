import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { Measurement } from '../../baseline.ts';
import { type Budget, nowNs, repeated } from './repeat.ts';

const MESSAGE_BYTES = 64;
const NOTE =
  'both ends run in one thread: what two processes see is the time of the kernel and less';

/** Nanoseconds of one TCP round trip of 64 bytes over 127.0.0.1. */
export async function measureLoopback(budget: Budget): Promise<Measurement | undefined> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  try {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening', { signal: budget.signal });
    const { port } = server.address() as AddressInfo;
    const client = connect({ port, host: '127.0.0.1', noDelay: true });
    try {
      await once(client, 'connect', { signal: budget.signal });
      return await repeated(
        'loopback-round-trip',
        'tcp-64-bytes',
        budget,
        () => meanRoundTrip(client, budget),
        NOTE,
      );
    } finally {
      client.destroy();
    }
  } finally {
    server.close();
  }
}

function meanRoundTrip(
  client: ReturnType<typeof connect>,
  budget: Budget,
): Promise<number | undefined> {
  const message = Buffer.alloc(MESSAGE_BYTES, 1);
  return new Promise((resolve) => {
    const started = nowNs();
    const until = started + budget.milliseconds * 1e6;
    let trips = 0;
    let received = 0;
    const finish = (value: number | undefined) => {
      client.off('data', onData);
      client.off('close', onClose);
      resolve(value);
    };
    const onClose = () => finish(undefined);
    const onData = (piece: Buffer) => {
      received += piece.length;
      if (received < MESSAGE_BYTES) return;
      received = 0;
      trips++;
      const now = nowNs();
      if (now < until && !budget.signal.aborted) client.write(message);
      else finish((now - started) / trips);
    };
    client.on('data', onData);
    client.on('close', onClose);
    client.write(message);
  });
}
