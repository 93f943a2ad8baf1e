import { searchWebArguments, webDefaults } from '../../spec/actions/web-actions.ts';
import { ActionFailure, runAction } from './action-program.ts';
import { fetchBounded, headersOf } from './fetch-bounded.ts';
import { foundLinks } from './found-links.ts';
import { everythingAllowed, nothingAllowed, parseRobots, type RobotRules } from './robots.ts';
import { tell } from './told-use.ts';

const PAGE_BYTES_MAX = 4 * 1024 ** 2;
const ROBOTS_BYTES_MAX = 512 * 1024;
/** As JSON, so that a thousand long addresses stay below what outputs may have. */
const RESULTS_BYTES_MAX = 60_000;

await runAction(searchWebArguments, async (given) => {
  const template = given.url ?? process.env['SEARCH_URL'];
  if (template === undefined || template === '') {
    throw new ActionFailure(
      'there is no search to ask: give `with.url`, or SEARCH_URL in the environment, such as https://example.org/search?q={query}',
    );
  }
  const { query = '', max_results: max = webDefaults.maxResults } = given;
  const url = template.replaceAll('{query}', () => encodeURIComponent(query));
  const timeoutMs = given.timeout ?? webDefaults.timeoutMs;
  if (!URL.canParse(url)) throw new ActionFailure(`${JSON.stringify(url)} is not an address`);
  if (given.robots !== false) {
    const rules = await robotsOf(url, timeoutMs);
    const { pathname, search } = new URL(url);
    if (!rules.allows(`${pathname}${search}`)) {
      throw new ActionFailure(`robots.txt of ${new URL(url).host} does not allow ${pathname}`);
    }
  }
  const page = await fetchBounded(
    url,
    { headers: headersOf(given.headers) },
    { timeoutMs, bytesMax: PAGE_BYTES_MAX },
  );
  if (page.status !== 200) throw new ActionFailure(`${new URL(url).host} answered ${page.status}`);
  const results = foundLinks(page.body.toString('utf8'), page.url, max).map((link) => ({
    ...link,
  }));
  while (Buffer.byteLength(JSON.stringify(results)) > RESULTS_BYTES_MAX) results.pop();
  tell('results', results.length);
  return { count: results.length, results };
});

/** A site without one allows everything; one that cannot answer now allows nothing (RFC 9309, 2.3.1). */
async function robotsOf(url: string, timeoutMs: number): Promise<RobotRules> {
  const robots = new URL('/robots.txt', url).href;
  const { status, body } = await fetchBounded(
    robots,
    {},
    { timeoutMs, bytesMax: ROBOTS_BYTES_MAX },
  );
  if (status >= 500) return nothingAllowed;
  return status === 200 ? parseRobots(body.toString('utf8')) : everythingAllowed;
}
