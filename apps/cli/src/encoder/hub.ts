// What is used of Hugging Face's hub. The build puts it into this one file (tooling/bundle-libraries.mjs).
export { downloadFileToCacheDir, getHFHubCachePath, getRepoFolderName, modelInfo } from '@huggingface/hub';
