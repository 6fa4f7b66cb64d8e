import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

/**
 * Put a benchmark's output into a Markdown file, between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`, with the command,
 * the day and the machine.
 * @throws Error if the file has no such place
 */
export function writeReport(file: string, name: string, command: string, output: string): void {
  const text = readFileSync(file, 'utf8');
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`bench: ${file} has no lines '${begin}' and '${end}' to write between`);
  const processor = cpus()[0]?.model.replace(/\s+/g, ' ').trim() ?? 'unknown processor';
  const day = new Date().toISOString().slice(0, 10);
  const heading = `\`${command}\` on ${day}, ${processor}, ${cpus().length} cores, Node ${process.versions.node}:`;
  const body = `${begin}\n${heading}\n\n\`\`\`\n${output}\n\`\`\`\n`;
  writeFileSync(file, text.slice(0, from) + body + text.slice(to));
}
