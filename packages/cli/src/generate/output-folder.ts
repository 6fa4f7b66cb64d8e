import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm, rmdir, statfs, unlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { atomicWrite } from '@codiff/ldm-core/node';
import { InputError } from '../input-error.js';

/** Why a folder takes no file, by the system's name for it. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'you may not write there',
  EPERM: 'you may not write there',
  EROFS: 'it lies on a read-only file system',
  ENOENT: 'there can be no folder there',
  ENOTDIR: 'a part of its path is a file',
  EEXIST: 'a file of this name is in the way',
  ENOSPC: 'the disk is full',
  EDQUOT: 'your disk quota is used up',
  ENAMETOOLONG: 'its path is too long',
};

/** Where a run writes its files. Each appears whole or not at all. */
export class OutputFolder {
  /** Files written so far, in order. */
  readonly files: string[] = [];

  private constructor(
    readonly path: string,
    /** Folders that were made for this run, outermost first. */
    private readonly made: readonly string[],
  ) {}

  /**
   * Make the folder, and see that it can be written to.
   * @param needed bytes that the run is about to write, as far as that is known
   * @throws InputError saying why not, and what to do; nothing is left behind then
   */
  static async open(path: string, needed = 0): Promise<OutputFolder> {
    const made: string[] = [];
    const folder = new OutputFolder(path, made);
    try {
      // One by one: Node's own recursion never ends where the system denies that a parent exists.
      for (const missing of missingFolders(path)) {
        await mkdir(missing);
        made.push(missing);
      }
      const probe = join(path, `.${randomUUID()}.tmp`);
      await writeFile(probe, '');
      await unlink(probe);
      const { bavail, bsize } = await statfs(path);
      if (bavail * bsize >= needed) return folder;
    } catch (error) {
      await folder.discardIfEmpty();
      throw unwritable(path, error);
    }
    await folder.discardIfEmpty();
    throw new InputError(
      `${path}: the disk is full: the images need up to ${Math.ceil(needed / 1e6)} MB; ` +
        'make room, or give another --save_folder',
    );
  }

  /** Write a file. @throws InputError if the system refuses */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    await this.save(name, (path) => atomicWrite(path, (sink) => sink.write(bytes)));
  }

  /** Write a file by a function that does so atomically. @throws InputError if the system refuses */
  async save(name: string, write: (path: string) => Promise<void>): Promise<void> {
    const path = join(this.path, name);
    try {
      await write(path);
    } catch (error) {
      throw unwritable(this.path, error);
    }
    if (!this.files.includes(path)) this.files.push(path);
  }

  /** Remove a file that this run, or one before it, has written for the time being. */
  async remove(name: string): Promise<void> {
    const path = join(this.path, name);
    await rm(path, { force: true });
    const at = this.files.indexOf(path);
    if (at >= 0) this.files.splice(at, 1);
  }

  /** Remove the folders that were made for this run, if nothing has been written. */
  async discardIfEmpty(): Promise<void> {
    if (this.files.length > 0) return;
    for (const path of [...this.made].reverse()) {
      try {
        await rmdir(path);
      } catch {
        // Someone else has put a file there: then it stays.
        return;
      }
    }
  }
}

/** The folders that have to be made for a path to be one, outermost first. */
function missingFolders(path: string): string[] {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.unshift(at);
  return missing;
}

function unwritable(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  const reason = REASONS[String(error.code)] ?? error.message;
  const isFull = error.code === 'ENOSPC' || error.code === 'EDQUOT';
  const advice = `${isFull ? 'make room, or ' : ''}give another --save_folder`;
  return new InputError(`${path}: cannot be written: ${reason}; ${advice}`, { cause: error });
}
