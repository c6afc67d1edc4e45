export { ArtifactKeyError, type ArtifactStore, type WritableArtifact } from './artifact-store.ts';
export { FileArtifactStore, type FileArtifactStoreOptions } from './file-artifact-store.ts';
export { type Extent, measure } from './extent.ts';
