import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';

/**
 * C++ names of absl::SetMinLogLevel, one for each Abseil release that a libtensorflow was built with. Newer TensorFlow logs
 * through Abseil, which does not read TF_CPP_MIN_LOG_LEVEL; an unknown release just stays talkative.
 */
const SET_MIN_LOG_LEVEL = ['20230802', '20240116', '20240722', '20250127', '20250512', '20250814'].map(
  (release) => `_ZN4absl12lts_${release}14SetMinLogLevelENS0_18LogSeverityAtLeastE`,
);
/** absl::LogSeverityAtLeast::kFatal */
const FATAL = 3;
const STDERR = 2;

type Library = ReturnType<typeof koffi.load>;

/**
 * Load the framework library without its chatter on the terminal: failures reach the user as exceptions. Whoever sets
 * TF_CPP_MIN_LOG_LEVEL to 0, 1 or 2 asks for the messages and gets them.
 */
export function loadQuietly(load: () => Library): Library {
  // The level set below is inherited by child processes, which are to be as quiet.
  const level = process.env.TF_CPP_MIN_LOG_LEVEL ?? String(FATAL);
  if (level !== String(FATAL) || process.platform === 'win32') return load();
  process.env.TF_CPP_MIN_LOG_LEVEL = level;
  // The first messages come while the library initialises itself, before any setting of it can be reached.
  const framework = withoutStderr(load);
  for (const name of SET_MIN_LOG_LEVEL) {
    try {
      (framework.func(name, 'void', ['int']) as (level: number) => void)(FATAL);
      break;
    } catch {
      // Another release; the next name may be it.
    }
  }
  return framework;
}

/** Run something synchronous with file descriptor 2 pointing nowhere. */
function withoutStderr<T>(run: () => T): T {
  const libc = koffi.load(process.platform === 'darwin' ? 'libSystem.dylib' : 'libc.so.6');
  const dup = libc.func('int dup(int fd)');
  const dup2 = libc.func('int dup2(int from, int to)');
  const saved = dup(STDERR) as number;
  const nowhere = openSync('/dev/null', 'w');
  dup2(nowhere, STDERR);
  try {
    return run();
  } finally {
    dup2(saved, STDERR);
    closeSync(nowhere);
    closeSync(saved);
  }
}
