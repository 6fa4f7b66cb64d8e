export { fileSource } from './file-source.js';
export { nodeCrc32, openCheckpointFile } from './open-checkpoint-file.js';
