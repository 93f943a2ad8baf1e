import type { HostContent } from './memory-host.ts';

/** Unpacks a ttar archive (github.com/ideaship/ttar) below the folder `prefix`, which becomes `/`. */
export function unpackTtar(text: string, prefix: string): HostContent {
  const files: Record<string, string> = {};
  const links: Record<string, string> = {};
  const lines = text.split('\n');
  let path = '';
  const place = (name: string) =>
    name.startsWith(prefix) ? `/${name.slice(prefix.length)}` : undefined;
  for (let i = 0; i < lines.length; i++) {
    const [, key, value] = /^(Path|Lines|SymlinkTo|Directory): (.*)$/.exec(lines[i]!) ?? [];
    const at = place(key === 'Directory' ? value! : path);
    if (key === 'Path') path = value!;
    // A trailing slash makes an empty folder.
    else if (key === 'Directory' && at !== undefined) files[`${at}/`] = '';
    else if (key === 'SymlinkTo' && at !== undefined) links[at] = value!;
    else if (key === 'Lines') {
      const content = lines.slice(i + 1, i + 1 + Number(value)).join('\n');
      i += Number(value);
      const ended = content.endsWith('EOF') ? content.slice(0, -3) : `${content}\n`;
      if (at !== undefined) files[at] = ended.replaceAll('NULLBYTE', '\0');
    }
  }
  return { files, links };
}
