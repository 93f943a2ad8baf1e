import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type IsolationPlan,
  type IsolationSite,
  type IsolationTask,
  planIsolation,
} from '../../src/execution/isolation-plan.ts';
import type { IsolationTerms } from '../../src/model/execution-terms.ts';

const site: IsolationSite = {
  root: true,
  bubblewrap: { path: '/usr/bin/bwrap', namespaces: ['user', 'mount', 'pid', 'network', 'ipc'] },
  seccomp: { machine: 'x64' },
  hidden: ['/var/lib/berth'],
  secretsDir: '/dev/shm/berth-1',
  gpuDevices: ['/dev/nvidia0'],
};
const task = (terms: IsolationTerms, more: Partial<IsolationTask> = {}): IsolationTask => ({
  terms,
  cwd: '/home/a',
  folders: ['/var/lib/berth/work/1'],
  volumes: [],
  rootEntries: undefined,
  user: undefined,
  secrets: undefined,
  gpus: false,
  closed: [],
  ...more,
});
const ada = { name: 'ada', uid: 1001, gid: 100, groups: [100, 27], home: '/home/ada' };

function planned(asked: IsolationTask, on = site): IsolationPlan {
  const plan = planIsolation(on, asked);
  assert.ok(!('why' in plan), 'why' in plan ? plan.why : '');
  return plan;
}
const refusal = (asked: IsolationTask, on = site): string => {
  const plan = planIsolation(on, asked);
  assert.ok('why' in plan);
  return plan.why;
};
/** The arguments from `option` on, `count` of them. */
const after = ({ wrap }: IsolationPlan, option: string, count: number): readonly string[] =>
  wrap.slice(wrap.indexOf(option), wrap.indexOf(option) + count);

describe('what a task asks for becomes arguments of bwrap', () => {
  test('who asks for nothing that takes mounts runs without it', () => {
    const plan = planned(task({ noNewPrivileges: true }));
    assert.deepEqual(plan.wrap, []);
    assert.equal(plan.noNewPrivileges, true);
    assert.deepEqual(
      plan.terms.map(({ term, by }) => `${term} ${by}`),
      ['no-new-privileges kernel'],
    );
  });

  test('a private /tmp hides the state folder, too, but not the folder of the workload', () => {
    const text = planned(task({ privateTmp: true })).wrap.join(' ');
    assert.match(text, /--dev-bind \/ \/ /);
    assert.match(text, /--perms 1777 --tmpfs \/tmp /);
    const hides = text.indexOf('--perms 0755 --tmpfs /var/lib/berth');
    const shows = text.indexOf('--bind /var/lib/berth/work/1 /var/lib/berth/work/1');
    assert.ok(hides > 0 && shows > hides, text);
  });

  test('what is deeper is mounted later, whatever the order it was written in', () => {
    const plan = planned(
      task({ readOnly: ['/data/a/b', '/', '/data'], writable: ['/data/a', '/var'] }),
    );
    const binds = plan.wrap.join(' ').match(/--(ro-)?bind (\/\S*) /g) ?? [];
    assert.deepEqual(
      binds.map((one) => one.trim()),
      [
        '--ro-bind /',
        '--bind /var',
        '--ro-bind /data',
        '--bind /data/a',
        '--ro-bind /data/a/b',
        '--bind /var/lib/berth/work/1',
      ],
    );
    const text = plan.wrap.join(' ');
    assert.ok(
      text.indexOf('--bind /var /var') < text.indexOf('--tmpfs /var/lib/berth'),
      'a writable folder above it does not show the state folder',
    );
  });

  test('devices: a /dev of its own, with what is allowed and its GPUs', () => {
    const without = planned(task({ devices: ['/dev/fuse'] }));
    assert.deepEqual(after(without, '--bind', 3), ['--bind', '/', '/']);
    assert.deepEqual(after(without, '--dev', 5), [
      '--dev',
      '/dev',
      '--dev-bind',
      '/dev/fuse',
      '/dev/fuse',
    ]);
    assert.ok(!without.wrap.includes('/dev/nvidia0'));
    assert.ok(planned(task({ devices: [] }, { gpus: true })).wrap.includes('/dev/nvidia0'));
  });

  test('namespaces: those asked for, and a /proc that fits', () => {
    const plan = planned(task({ namespaces: ['mount', 'pid', 'network'] }));
    for (const one of ['--unshare-pid', '--unshare-net', '--proc']) {
      assert.ok(plan.wrap.includes(one), one);
    }
    assert.ok(!plan.wrap.includes('--unshare-ipc'));
  });

  test('without one for processes the daemon is not hidden, and that is refused', () => {
    const { bubblewrap } = site;
    assert.ok('path' in bubblewrap);
    const on = { ...site, bubblewrap: { ...bubblewrap, namespaces: [] } };
    assert.match(refusal(task({ privateTmp: true }), on), /daemon-hidden: it could look/);
  });

  test('root keeps neither the right to mount nor that to trace', () => {
    const { wrap } = planned(task({ privateTmp: true }));
    assert.deepEqual(wrap.slice(2, 4), ['--cap-drop', 'ALL']);
    assert.ok(!wrap.includes('CAP_SYS_ADMIN') && !wrap.includes('CAP_SYS_PTRACE'));
    const { wrap: unprivileged } = planned(task({ privateTmp: true }), { ...site, root: false });
    assert.ok(!unprivileged.includes('--cap-drop'));
  });

  test('a filter of system calls: under bwrap, and none where it is off', () => {
    const plan = planned(task({ seccomp: ['ptrace'] }));
    assert.match(plan.seccomp, /^20000000/);
    assert.ok(plan.wrap.length > 0);
    assert.deepEqual(
      plan.terms.map(({ term, by, note }) => `${term} ${by}: ${note}`),
      [
        'seccomp kernel: EPERM for ptrace',
        'daemon-hidden kernel: it does not see the state folder and its sockets',
      ],
    );
    const off = planned(task({ seccomp: 'off' }));
    assert.deepEqual([off.seccomp, off.wrap, off.terms], ['', [], []]);
  });

  test('another user: its groups, its own first', () => {
    assert.equal(planned(task({ user: 'ada' }, { user: ada })).account, '1001:100,27');
  });

  test('a volume on a folder that is not there gets a root of its own', () => {
    const mount = { source: '/var/lib/berth/volumes/v', mountPath: '/data', readOnly: true };
    const rootEntries = [{ name: 'usr' }, { name: 'bin', target: 'usr/bin' }];
    const text = planned(task({}, { volumes: [mount], rootEntries })).wrap.join(' ');
    assert.match(text, /--dev-bind \/usr \/usr --symlink usr\/bin \/bin/);
    assert.match(text, /--ro-bind \/var\/lib\/berth\/volumes\/v \/data/);
    assert.ok(!text.includes('bind / /'));
  });
});

describe('what cannot be had is refused, or said', () => {
  const bare: IsolationSite = { ...site, bubblewrap: { why: 'bwrap is not there' } };
  const cases: Record<string, { asked: IsolationTask; on?: IsolationSite; why: RegExp }> = {
    'no bubblewrap': { asked: task({ privateTmp: true }), on: bare, why: /bwrap is not there/ },
    'an unprivileged daemon': {
      asked: task({ user: 'ada' }, { user: ada }),
      on: { ...site, root: false },
      why: /user: only a daemon of root/,
    },
    'a user that is not there': { asked: task({ user: 'eve' }), why: /there is no user eve/ },
    'a namespace that the kernel refuses': {
      asked: task({ namespaces: ['uts'] }),
      why: /namespace-uts: the kernel refuses it/,
    },
    'secrets as files, and nowhere in memory': {
      asked: task({ secrets: [{ secret: 'a', as: 'file', name: 'a' }] }),
      on: { ...site, secretsDir: undefined },
      why: /secrets: \/dev\/shm/,
    },
    'the state folder, as a writable path': {
      asked: task({ writable: ['/var/lib/berth/secrets'] }),
      why: /of Berth's own/,
    },
    'a filter on a machine whose calls are not known': {
      asked: task({ seccomp: 'default' }),
      on: { ...site, seccomp: { why: 'the system calls of s390x are not known' } },
      why: /seccomp: the system calls of s390x/,
    },
    'a read-only volume that cannot be mounted': {
      asked: task({}, { volumes: [{ source: '/v', mountPath: '/mnt', readOnly: true }] }),
      on: bare,
      why: /volumes: bwrap is not there/,
    },
  };
  for (const [name, { asked, on, why }] of Object.entries(cases)) {
    test(name, () => assert.match(refusal(asked, on), why));
  }

  test('where it is not required, the terms say what is missing, and the rest holds', () => {
    const plan = planned(task({ required: false, privateTmp: true, noNewPrivileges: true }), bare);
    assert.deepEqual(plan.wrap, []);
    assert.deepEqual(
      plan.terms.map(({ term, by }) => `${term} ${by}`),
      ['no-new-privileges kernel', 'private-tmp none', 'daemon-hidden none'],
    );
  });

  test('a volume that cannot be mounted is found by its environment', () => {
    const volumes = [{ source: '/v', mountPath: '/mnt', readOnly: false }];
    const plan = planned(task({}, { volumes }), bare);
    assert.deepEqual(plan.wrap, []);
    assert.deepEqual(plan.terms[0]?.by, 'none');
  });
});
