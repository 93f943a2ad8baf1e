import { moveBytes } from '../../src/transfer/io/move-bytes.ts';

/** Moves what its argument says, to be killed meanwhile. */
await moveBytes(JSON.parse(process.argv[2]!), () => {});
