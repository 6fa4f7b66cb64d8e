export { atomicWrite } from './atomic-write.js';
export { loadBertVocabulary } from './bert-vocabulary.js';
export { type LoadConfigOptions, loadConfig } from './config-files.js';
export { convertCheckpoint } from './convert-checkpoint.js';
export { fileSource } from './file-source.js';
export { hashFile } from './hash-file.js';
export { initCheckpoint } from './init-checkpoint.js';
export { nodeCrc32, openCheckpointFile } from './open-checkpoint-file.js';
export { formatOf, type SaveFormat, type SaveOptions, saveParams, saveTensors } from './save-params.js';
