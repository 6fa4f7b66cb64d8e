/** Where a library was found: the environment variable, the user cache, or an importable Python package. */
export type LibrarySource = 'LIBTENSORFLOW_DIR' | 'cache' | 'python';

/** The CPU build, or the CUDA build with its NVIDIA libraries. */
export type LibraryBuild = 'cpu' | 'gpu';

export interface LibraryLocation {
  /** Folder of both libraries. */
  readonly dir: string;
  readonly source: LibrarySource;
  /** Such as `2.21.0`; null when neither package data, headers nor file names tell it. */
  readonly version: string | null;
  /** Whether it was built with CUDA. It runs without a card too. */
  readonly gpu: boolean;
  /** Path of libtensorflow_framework: load it first. */
  readonly framework: string;
  /** Path of libtensorflow_cc (or libtensorflow of a C archive): load it second; it has the C API. */
  readonly cc: string;
  /** Why this one was chosen, as a part of a sentence. */
  readonly why: string;
}

export interface FindOptions {
  /** Default `process.env`. Read: LIBTENSORFLOW_DIR, XDG_CACHE_HOME, HOME, PATH. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** The user's home folder; default from the environment. */
  readonly home?: string | undefined;
  /** Default `process.platform`. */
  readonly platform?: string | undefined;
  /** Default `process.arch`. */
  readonly arch?: string | undefined;
  /** Whether an NVIDIA driver is present; looked up when not given. */
  readonly hasDriver?: boolean | undefined;
}

export interface LibrarySearch {
  readonly library: LibraryLocation | null;
  /** What was found but not used, and why: an old Python tensorflow, a broken cache entry. */
  readonly refused: readonly string[];
}

/**
 * Finds libtensorflow in LIBTENSORFLOW_DIR, the user cache, or an importable Python tensorflow of 2.16 or newer.
 * Synchronous, downloads nothing; Python is started only when the first two have none.
 * @throws LibraryError `incomplete` when LIBTENSORFLOW_DIR is set but holds no library for this machine
 */
export function findLibrary(options?: FindOptions): LibraryLocation | null;

/** Like {@link findLibrary}, and says what it refused. */
export function searchLibrary(options?: FindOptions): LibrarySearch;

export type LibraryErrorCode =
  | 'unsupported-platform'
  | 'incomplete'
  | 'not-pinned'
  | 'no-pip'
  | 'download-failed'
  | 'hash-mismatch'
  | 'corrupt'
  | 'disk-full'
  | 'not-writable';

/** A library that cannot be found or provided. The message says what to do. */
export class LibraryError extends Error {
  constructor(code: LibraryErrorCode, message: string, options?: { cause?: unknown });
  readonly code: LibraryErrorCode;
}

/** One pinned file of the Python package index. */
export interface Wheel {
  readonly name: string;
  readonly version: string;
  /** File name, which carries the Python, ABI and platform tags. */
  readonly file: string;
  /** Size of the file. */
  readonly bytes: number;
  /** Size of what is unpacked from it. */
  readonly unpackedBytes: number;
  /** Of the whole file, in lower-case hexadecimal; null marks a wheel that nobody held, which is refused. */
  readonly sha256: string | null;
}

/** The wheels that make one build for one platform when unpacked side by side. */
export interface WheelRow {
  /** `process.platform` and `process.arch`, such as `linux-x64`. */
  readonly platform: string;
  readonly build: LibraryBuild;
  readonly wheels: readonly Wheel[];
}

/** Receives how far a long step is. */
export interface Progress {
  start(name: string, totalBytes: number): void;
  update(doneBytes: number): void;
  end(): void;
  note(line: string): void;
}

export interface ProvideOptions extends FindOptions {
  /** `cpu` or `gpu` force a build and are remembered; `auto` forgets that. */
  readonly build?: LibraryBuild | 'auto' | undefined;
  readonly progress?: Progress | undefined;
  /** Stops the work and removes what it left. */
  readonly signal?: AbortSignal | undefined;
  /** Default {@link pinnedWheels}. */
  readonly table?: WheelRow[] | undefined;
  /** Free bytes on the disk of a folder; default asks the system. */
  readonly freeBytes?: ((dir: string) => Promise<number>) | undefined;
}

export interface ProvideResult extends LibrarySearch {
  readonly library: LibraryLocation;
  /** Whether this call downloaded it. */
  readonly downloaded: boolean;
}

/**
 * Finds libtensorflow or downloads the pinned wheels with pip, verifies them against the hashes of this repository and
 * unpacks them into the user cache in one step: a killed run leaves nothing half done, a second run waits for the first.
 * @throws LibraryError that names the three ways to provide the library
 */
export function provideLibrary(options?: ProvideOptions): Promise<ProvideResult>;

/** The release that this repository is tested with, such as `2.21.0`. */
export const pinnedVersion: string;
/** The oldest release that a Python package may have. */
export const oldestVersion: string;
export const pinnedWheels: WheelRow[];

/** Folder of all provided libraries: `<XDG_CACHE_HOME or ~/.cache>/codiff/libtensorflow`. */
export function cacheRoot(env: NodeJS.ProcessEnv, home?: string): string;

/** A bar on a terminal, one line every ten per cent elsewhere. */
export function createProgress(stream: { write(text: string): unknown; isTTY?: boolean | undefined }): Progress;
/** Decimal units: `274 MB`. */
export function formatBytes(bytes: number): string;

/** Version of the NVIDIA driver, such as `550.54.15`; null without one. */
export function nvidiaDriver(options?: { proc?: string; nvidiaSmi?: string | null }): string | null;
/** Names of the cards, as the driver tells them. */
export function nvidiaCards(proc?: string): string[];

/** The libraries that the CUDA 12 build opens by name, and the folder of the NVIDIA packages each comes in. */
export const cudaLibraries: readonly { readonly name: string; readonly folder: string; readonly use: string }[];
/** Where each of them is; path is null when it is missing. */
export function findCudaLibraries(options: {
  libraryDir: string | null;
  env: NodeJS.ProcessEnv;
  linkerCache?: string;
}): { name: string; use: string; path: string | null }[];

/** Whether an error of the system says that the disk, or what the user may have of it, is full. */
export function isFull(error: unknown): boolean;
/**
 * Turns the system's refusal to write below a folder into an error that says what to do; null when the error is another.
 * `what` the folder is and the `advice` become part of its message.
 */
export function notWritable(
  error: unknown,
  dir: string,
  words: { readonly what: string; readonly advice: string },
): LibraryError | null;

/** Runs work while holding a lock file that survives a killed owner; waits as long as another owner is alive. */
export function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options?: {
    onWait?: (owner: { pid: number; host: string } | null) => void;
    signal?: AbortSignal;
    pollMs?: number;
  },
): Promise<T>;
