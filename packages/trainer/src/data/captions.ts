import { readFileSync } from 'node:fs';
import { DataError, messageOf } from './data-error.js';

/** The key of a caption in the original's JSON. */
export const CAPTION_KEY = 'Beard_and_Age';

/**
 * Read the original's captions file: an object from image file name to an object that holds at least `Beard_and_Age`.
 * @returns image file name -> caption in lower case, in the file's order, which is the order of the samples
 * @throws DataError
 */
export function readCaptions(path: string): Map<string, string> {
  const captions = new Map<string, string>();
  for (const [name, entry] of Object.entries(parse(path))) {
    const caption = isRecord(entry) ? entry[CAPTION_KEY] : undefined;
    if (typeof caption !== 'string') {
      throw new DataError({
        file: path,
        problem: `'${name}' has no text '${CAPTION_KEY}'`,
        advice: `write {"${name}": {"${CAPTION_KEY}": "..."}}, or make the file with 'codiff dataset prepare'`,
      });
    }
    // A JavaScript object lists such keys first, whatever the file's order.
    if (/^\d+$/.test(name)) {
      throw new DataError({
        file: path,
        problem: `the key '${name}' is a bare number, an image's file name was wanted`,
        advice: `write '${name}.jpg'`,
      });
    }
    captions.set(name, caption.toLowerCase());
  }
  return captions;
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
