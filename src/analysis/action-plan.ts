import type { Remedy } from './finding.ts';
import type { Layer } from './layers.ts';

type Action = readonly [
  title: string,
  why: string,
  risk: Remedy['risk'],
  effect: string,
  command: string | undefined,
];

/** What to do about a layer, what risks least first. */
const actions: Record<Layer, readonly Action[]> = {
  thermal: [
    [
      'Look at fans, filters and the room',
      'Heat that grows over weeks is dust, a fan or the room.',
      'none',
      'Clocks come back when it is cooler.',
      'berth inventory',
    ],
    [
      'Limit the power of the GPUs',
      'A little less power is much less heat.',
      'low',
      'A few per cent slower, and steady instead of throttled.',
      undefined,
    ],
    [
      'Drain the node and clean it',
      'What is throttled slows every gang that it is part of.',
      'medium',
      'Its tasks run elsewhere meanwhile.',
      undefined,
    ],
  ],
  hardware: [
    [
      'Measure the node against its baseline',
      'The same test on the same machine tells a slow part from slow software.',
      'low',
      'Names the part that is slower than it was.',
      'berth inventory baseline',
    ],
    [
      'Drain the node',
      'Errors of memory and falling clocks seldom get better.',
      'medium',
      'Its tasks run elsewhere.',
      undefined,
    ],
  ],
  network: [
    [
      'Look at the link: cable, transceiver, negotiated speed',
      'Segments sent again and damaged packets are a bad link before they are load.',
      'none',
      'Transfers and gangs are as fast as before.',
      'berth network',
    ],
    [
      'Limit what competes for the link',
      'Where the link is full, someone fills it.',
      'low',
      'What waits for the link gets its share.',
      'berth network',
    ],
  ],
  storage: [
    [
      'Look at the disk: wear, errors, how full it is',
      'Reads that take longer at the same load are the disk or its file system.',
      'none',
      'Says whether it is to be replaced.',
      'berth inventory',
    ],
    [
      'Move scratch and data to another disk',
      'Whoever reads from it waits with it.',
      'medium',
      'Reads as fast as that disk.',
      'berth tier plan',
    ],
  ],
  fragmentation: [
    [
      'Compact memory',
      'Free memory in small blocks is of no use for huge pages.',
      'low',
      'Large blocks for a while.',
      'echo 1 > /proc/sys/vm/compact_memory',
    ],
    [
      'Restart what has run longest',
      'What holds memory for weeks keeps it in pieces.',
      'medium',
      'Its memory comes back in one piece.',
      undefined,
    ],
  ],
  'data-pipeline': [
    [
      'Find what fills memory',
      'What tasks and others hold is missing in the page cache, and files are read again from disk.',
      'none',
      'Names who grew.',
      'berth ps',
    ],
    [
      'Give less memory to tasks that do not use it',
      'What is held and not used keeps files out of memory.',
      'low',
      'More of the data stays in memory.',
      'berth suggest',
    ],
  ],
  software: [
    [
      'Compare with the last version that was fast',
      'No layer below it changed before it became slow.',
      'none',
      'Shows whether it is the program.',
      'berth usage --by step',
    ],
    [
      'Go back to the version before',
      'Until the cause is known, the old one is fast.',
      'low',
      'As fast as before, where the program is the cause.',
      undefined,
    ],
  ],
};

export function actionsFor(layer: Layer): readonly Remedy[] {
  return actions[layer].map(([title, why, risk, effect, command]) => {
    return { title, why, risk, effect, command };
  });
}
