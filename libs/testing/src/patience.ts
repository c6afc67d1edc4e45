import { jest } from '@jest/globals';

// Real servers and processes on a machine that does other things, too: Jest's 5 s fail tests that only had to wait.
jest.setTimeout(60_000);
