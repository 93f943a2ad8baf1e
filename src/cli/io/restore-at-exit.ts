const exits = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const signals = Object.keys(exits) as readonly (keyof typeof exits)[];
/** What this process changed of its terminal; the newest is undone first. */
const undos: (() => void)[] = [];

/** Calls `undo` once: when the returned function is called, or else when the process ends, signals included. */
export function restoreAtExit(undo: () => void): () => void {
  if (undos.length === 0) {
    process.on('exit', undoAll);
    for (const signal of signals) process.on(signal, onSignal);
  }
  undos.push(undo);
  return () => {
    const at = undos.indexOf(undo);
    if (at === -1) return;
    undos.splice(at, 1);
    attempt(undo);
    if (undos.length === 0) stopListening();
  };
}

function stopListening(): void {
  process.off('exit', undoAll);
  for (const signal of signals) process.off(signal, onSignal);
}

function undoAll(): void {
  stopListening();
  while (undos.length > 0) attempt(undos.pop()!);
}

function attempt(undo: () => void): void {
  try {
    undo();
  } catch (error) {
    // The terminal itself has gone: there is nothing left to restore.
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}

/** Ends the process as the signal would have, unless a command listens and decides itself. */
function onSignal(signal: keyof typeof exits): void {
  if (process.listenerCount(signal) > 1) return;
  undoAll();
  process.exit(exits[signal]);
}
