import { readFileSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { CAPTION_KEY } from '../captions.js';
import { DataError, messageOf } from '../data-error.js';
import { listFiles, stemOf } from './list-files.js';

/** Names that lines of JSON use for the image, and for its caption. */
const NAME_KEYS = ['image', 'file', 'file_name', 'filename', 'name', 'id'];
const CAPTION_KEYS = [CAPTION_KEY, 'caption', 'text', 'description'];

/**
 * Read captions in any of these forms: the original's JSON, or an object from name to text; JSON lines (`.jsonl`), each with
 * a name and a caption; text lines (`.txt`, `.tsv`) of name, tab, caption; a folder of text files, one an image.
 * @returns image's name up to its first dot -> caption, in the file's order
 * @throws DataError naming the line or file at fault
 */
export function readCaptionFiles(path: string): Map<string, string> {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (cause) {
    const advice = 'give a .json, .jsonl, .txt or .tsv file, or a folder of .txt files';
    throw new DataError({ file: path, problem: 'captions: no such file or folder', advice }, { cause });
  }
  if (isFolder) return fromFolder(path);
  const text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  switch (extname(path).toLowerCase()) {
    case '.json':
      return fromJson(path, text);
    case '.jsonl':
    case '.ndjson':
      return fromLines(path, text, jsonLine);
    case '.txt':
    case '.tsv':
      return fromLines(path, text, tabLine);
    default:
      throw new DataError({
        file: path,
        problem: `captions: the ending '${extname(path)}' tells no form`,
        advice: 'end it in .json, .jsonl, .txt or .tsv',
      });
  }
}

function fromFolder(folder: string): Map<string, string> {
  const files = listFiles(folder, ['.txt'], 'captions');
  return new Map(files.map((file) => [stemOf(file), oneLine(readFileSync(file, 'utf8'))]));
}

function fromJson(path: string, text: string): Map<string, string> {
  const parsed = parse(path, text, '');
  if (!isRecord(parsed)) throw bad(path, '', 'an object from image name to caption was wanted');
  return new Map(
    Object.entries(parsed).map(([name, entry]) => {
      const caption = typeof entry === 'string' ? entry : captionIn(entry);
      if (caption === undefined) throw bad(path, '', `'${name}' has none of ${CAPTION_KEYS.join(', ')}`);
      return [stemOf(name), oneLine(caption)];
    }),
  );
}

type Line = (path: string, line: string, where: string) => [name: string, caption: string];

function fromLines(path: string, text: string, read: Line): Map<string, string> {
  const captions = new Map<string, string>();
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const [name, caption] = read(path, line, `line ${i + 1}: `);
    if (captions.has(stemOf(name))) throw bad(path, `line ${i + 1}: `, `'${name}' occurs a second time`);
    captions.set(stemOf(name), oneLine(caption));
  }
  return captions;
}

const jsonLine: Line = (path, line, where) => {
  const entry = parse(path, line, where);
  const name = isRecord(entry) ? NAME_KEYS.map((key) => entry[key]).find((value) => value !== undefined) : undefined;
  const caption = captionIn(entry);
  if (typeof name !== 'string' && typeof name !== 'number') throw bad(path, where, `none of ${NAME_KEYS.join(', ')}`);
  if (caption === undefined) throw bad(path, where, `none of ${CAPTION_KEYS.join(', ')}`);
  return [String(name), caption];
};

const tabLine: Line = (path, line, where) => {
  const tab = line.indexOf('\t');
  if (tab < 0) throw bad(path, where, 'no tab; name, tab, caption were wanted');
  return [line.slice(0, tab).trim(), line.slice(tab + 1)];
};

function captionIn(entry: unknown): string | undefined {
  if (!isRecord(entry)) return undefined;
  return CAPTION_KEYS.map((key) => entry[key]).find((value): value is string => typeof value === 'string');
}

function parse(path: string, text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw bad(path, where, `is no JSON (${messageOf(cause)})`);
  }
}

const oneLine = (text: string): string => text.trim().replaceAll(/\s+/g, ' ');

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const bad = (file: string, where: string, problem: string): DataError =>
  new DataError({ file, problem: `captions: ${where}${problem}`, advice: 'correct the file' });
