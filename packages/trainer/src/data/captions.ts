import { readFileSync } from 'node:fs';
import { DataError, messageOf } from './data-error.js';

/** The key of a caption in the original's JSON. */
export const CAPTION_KEY = 'Beard_and_Age';

/**
 * Read the original's captions file: an object from image file name to an object that holds at least `Beard_and_Age`.
 * @param onBad told of each entry without a caption, which is then left out; absent: they are an error
 * @returns image file name -> caption in lower case, in the file's order, which is the order of the samples
 * @throws DataError naming every entry at fault
 */
export function readCaptions(path: string, onBad?: (name: string, problem: string) => void): Map<string, string> {
  const captions = new Map<string, string>();
  const problems: string[] = [];
  const bad = onBad ?? ((_: string, problem: string) => problems.push(problem));
  for (const [name, entry] of Object.entries(parse(path))) {
    const caption = isRecord(entry) ? entry[CAPTION_KEY] : undefined;
    // A JavaScript object lists such keys first, whatever the file's order.
    if (/^\d+$/.test(name)) bad(name, `the key '${name}' is a bare number, an image's file name was wanted`);
    else if (typeof caption !== 'string') bad(name, `'${name}' has no text '${CAPTION_KEY}'`);
    else captions.set(name, caption.toLowerCase());
  }
  if (problems.length === 0) return captions;
  const more = problems.length > 10 ? `, and ${problems.length - 10} more` : '';
  throw new DataError({
    file: path,
    problem: `${problems.slice(0, 10).join(', ')}${more}`,
    advice: `write {"name.jpg": {"${CAPTION_KEY}": "..."}}, or make the file with 'codiff dataset prepare'`,
  });
}

function parse(path: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    throw new DataError(
      {
        file: path,
        problem: missing ? 'no such captions file' : `is no JSON (${messageOf(cause)})`,
        advice: "give the captions' path as text_file; 'codiff dataset prepare' makes one of other forms",
      },
      { cause },
    );
  }
  if (isRecord(parsed)) return parsed;
  throw new DataError({
    file: path,
    problem: 'an object from image file name to captions was wanted',
    advice: "'codiff dataset prepare' makes one of lines or text files",
  });
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
