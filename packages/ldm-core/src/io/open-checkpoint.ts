import { type ByteSource, readBytes } from './byte-source.js';
import { Checkpoint, type CheckpointContents, type CheckpointFormat, type OpenOptions } from './checkpoint.js';
import { CheckpointError } from './checkpoint-error.js';
import { MAX_HEADER, openSafetensors } from './safetensors.js';
import { openTorchLegacy } from './torch-legacy.js';
import { openTorchZip } from './torch-zip.js';

const OPENERS: Readonly<
  Record<CheckpointFormat, (source: ByteSource, options: OpenOptions) => Promise<CheckpointContents>>
> = { 'torch-zip': openTorchZip, 'torch-legacy': openTorchLegacy, safetensors: openSafetensors };

/**
 * Open a checkpoint of any format: read its header, no values.
 * @throws CheckpointError if it is damaged, hostile, of no known format, or named as another format than it is
 */
export async function openCheckpoint(source: ByteSource, options: OpenOptions = {}): Promise<Checkpoint> {
  const format = await sniffFormat(source);
  checkName(source.name, format);
  try {
    return new Checkpoint(source, await OPENERS[format](source, options), options);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // A header that asks for more than the engine can hold (array or string length) ends here, not in a crash.
    throw new CheckpointError(
      { file: source.name, problem: `its header cannot be held: ${error.message}`, advice: 'do not trust this file' },
      { cause: error },
    );
  }
}

/**
 * The format by content.
 * @throws CheckpointError saying what the file is instead, where that can be told
 */
export async function sniffFormat(source: ByteSource): Promise<CheckpointFormat> {
  const head = await readBytes(source, 0, Math.min(512, source.size), 'the start');
  const text = String.fromCharCode(...head);
  if (text.startsWith('PK\x03\x04') || text.startsWith('PK\x05\x06')) return 'torch-zip';
  if (head.length >= 8 && isSafetensors(head, source.size)) return 'safetensors';
  if (head[0] === 0x80 && head[1]! <= 5) return 'torch-legacy';
  const [what, advice] = describe(text, source.size);
  throw new CheckpointError({ file: source.name, offset: 0, problem: `${what}, not a checkpoint`, advice });
}

function isSafetensors(head: Uint8Array, size: number): boolean {
  const length = new DataView(head.buffer, head.byteOffset).getBigUint64(0, true);
  return head[8] === 0x7b && length >= 2n && length <= BigInt(Math.max(MAX_HEADER, size));
}

function describe(text: string, size: number): [string, string] {
  const download = 'download the file itself';
  if (size === 0) return ['an empty file', download];
  if (text.startsWith('version https://git-lfs')) return ['a Git LFS pointer', "fetch it with 'git lfs pull'"];
  if (/^\s*<(!doctype|html|\?xml)/i.test(text)) return ['a web page', download];
  if (text.startsWith('\x1f\x8b')) return ['a gzip archive', 'unpack it first'];
  if (text.slice(257, 262) === 'ustar')
    return ['a tar archive', 'unpack it, or load and save it with PyTorch 1.6 or later'];
  if (text.startsWith('\x89HDF')) return ['an HDF5 file', 'convert it to safetensors'];
  if (text.startsWith('\x89PNG') || text.startsWith('\xff\xd8\xff')) return ['an image', 'give a checkpoint'];
  return ['of no known format', 'give a PyTorch .ckpt, .pth or .pt file, or a .safetensors file'];
}

/** A name that contradicts the content misleads every program that goes by names. */
function checkName(file: string, format: CheckpointFormat): void {
  const extension = /\.[^./\\]+$/.exec(file)?.[0].toLowerCase();
  const named =
    extension === '.safetensors' ? 'safetensors' : /^\.(ckpt|pth|pt)$/.test(extension ?? '') ? 'torch' : undefined;
  const found = format === 'safetensors' ? 'safetensors' : 'torch';
  if (named === undefined || named === found) return;
  throw new CheckpointError({
    file,
    problem: `named as ${named === 'torch' ? 'a PyTorch' : 'a safetensors'} file, but its content is ${format}`,
    advice: `rename it to end in ${found === 'torch' ? '.ckpt' : '.safetensors'}`,
  });
}
