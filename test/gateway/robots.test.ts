import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { mayFetch, parseRobots } from '../../src/gateway/robots.ts';

interface Case {
  readonly robots: string;
  readonly agent?: string;
  readonly allowed?: readonly string[];
  readonly denied?: readonly string[];
}

const cases: Record<string, Case> = {
  'an empty file allows everything': { robots: '', allowed: ['/', '/a?b=c'] },
  'an empty Disallow allows everything': {
    robots: 'User-agent: *\nDisallow:',
    allowed: ['/', '/x'],
  },
  'the longest pattern counts, not the first': {
    robots: 'User-agent: *\nDisallow: /a\nAllow: /a/b\nDisallow: /a/b/c',
    allowed: ['/a/b', '/a/bc', '/'],
    denied: ['/a', '/ax', '/a/c', '/a/b/c'],
  },
  'of equally long ones Allow counts': {
    robots: 'User-agent: *\nDisallow: /page\nAllow: /page',
    allowed: ['/page', '/page2'],
  },
  'the own group counts alone, in any case of letters': {
    robots: 'User-agent: *\nDisallow: /\n\nUser-agent: FooBot\nDisallow: /private',
    agent: 'foobot/2.1 (+https://example.com/bot)',
    allowed: ['/', '/public'],
    denied: ['/private/x'],
  },
  'a product is not a part of another': {
    robots: 'User-agent: foo\nDisallow: /\n\nUser-agent: *\nAllow: /',
    agent: 'foobot/1',
    allowed: ['/'],
  },
  'groups of one product are one': {
    robots: 'User-agent: a\nDisallow: /x\nUser-agent: b\nDisallow: /y\nUser-agent: a\nDisallow: /z',
    agent: 'a',
    allowed: ['/y'],
    denied: ['/x', '/z'],
  },
  'several products share a group': {
    robots: 'User-agent: a\nUser-agent: b\nDisallow: /x',
    agent: 'b',
    denied: ['/x'],
  },
  'whom no group names may go everywhere': {
    robots: 'User-agent: a\nDisallow: /',
    agent: 'other',
    allowed: ['/'],
  },
  'unknown lines neither end a group nor begin one': {
    robots: 'User-agent: a\nCrawl-delay: 5\nSitemap: https://x/y\nUser-agent: b\nDisallow: /x',
    agent: 'a',
    denied: ['/x'],
  },
  'wildcards and the end': {
    robots: 'User-agent: *\nDisallow: /*.gif$\nDisallow: /p/*/q',
    allowed: ['/a.gif?x', '/gif', '/p/q'],
    denied: ['/a.gif', '/d/b.gif', '/p/1/q', '/p/1/2/q/r'],
  },
  'a pattern of wildcards only': { robots: 'User-agent: *\nDisallow: *', denied: ['/', '/x'] },
  'octets are compared, however they are written': {
    robots: 'User-agent: *\nDisallow: /foo/bar/\u30C4\nDisallow: /a%3cd\nDisallow: /%62ook',
    denied: ['/foo/bar/%E3%83%84', '/foo/bar/%e3%83%84', '/a%3Cd.html', '/book', '/%62%6f%6fk'],
  },
  'comments, spaces and line ends of all kinds': {
    robots: '\uFEFF# c\r\n user-agent : * # all\r\n\tDISALLOW:\t/x # why\rAllow: /x/y',
    allowed: ['/x/y'],
    denied: ['/x'],
  },
  'the file itself may always be fetched': {
    robots: 'User-agent: *\nDisallow: /',
    allowed: ['/robots.txt'],
    denied: ['/'],
  },
  'rules before any group are of nobody': { robots: 'Disallow: /', allowed: ['/'] },
};

describe('robots.txt', () => {
  for (const [name, tc] of Object.entries(cases)) {
    test(name, () => {
      const robots = parseRobots(tc.robots);
      for (const path of tc.allowed ?? []) {
        assert.equal(mayFetch(robots, tc.agent ?? 'curl/8', path), true, path);
      }
      for (const path of tc.denied ?? []) {
        assert.equal(mayFetch(robots, tc.agent ?? 'curl/8', path), false, path);
      }
    });
  }

  test('no text and no path throw', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .tuple(fc.constantFrom('user-agent', 'allow', 'disallow'), fc.string())
        .map((t) => t.join(':')),
    );
    fc.assert(
      fc.property(
        fc.array(line),
        fc.string({ unit: 'binary' }),
        fc.string(),
        (lines, path, agent) => {
          assert.equal(typeof mayFetch(parseRobots(lines.join('\n')), agent, path), 'boolean');
        },
      ),
    );
  });
});
