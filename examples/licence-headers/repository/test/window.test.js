// Copyright 2025 Ada Example
// SPDX-License-Identifier: Apache-2.0

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { title } = require('../src/window.js');

test('a window has a title', () => assert.equal(title('Skein'), 'Skein - wool and needles'));
