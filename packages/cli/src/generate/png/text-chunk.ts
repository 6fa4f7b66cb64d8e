import { type PngChunk, readChunks, writeChunks } from './chunks.js';

/** Letters of a keyword (PNG specification, section 11.3.3.1). */
const KEYWORD = /^[!-~]([ -~]{0,77}[!-~])?$/;

/**
 * A PNG file with a text chunk (`tEXt`) right after its header, where a reader finds it first.
 * @param file a whole PNG file @param keyword 1 to 79 printable characters @param text ASCII, without NUL
 * @throws RangeError if keyword or text cannot stand in such a chunk
 */
export function withText(file: Uint8Array, keyword: string, text: string): Uint8Array {
  if (!KEYWORD.test(keyword)) throw new RangeError(`png: '${keyword}' is no keyword: wanted 1 to 79 ASCII characters`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of characters is the point.
  if (!/^[\x01-\x7f]*$/.test(text)) throw new RangeError('png: a text chunk takes ASCII here; escape other characters');
  const added: PngChunk = { type: 'tEXt', data: new TextEncoder().encode(`${keyword}\0${text}`) };
  return writeChunks(
    (function* () {
      for (const chunk of readChunks(file)) {
        yield chunk;
        if (chunk.type === 'IHDR') yield added;
      }
    })(),
  );
}

/** The text under a keyword of a PNG file's `tEXt` chunks, if there is one. @throws RangeError if the file is no PNG */
export function textOf(file: Uint8Array, keyword: string): string | undefined {
  for (const { type, data } of readChunks(file)) {
    if (type !== 'tEXt') continue;
    const [name, ...rest] = Buffer.from(data).toString('latin1').split('\0');
    if (name === keyword) return rest.join('\0');
  }
  return undefined;
}
