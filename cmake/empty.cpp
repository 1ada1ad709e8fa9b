// SPDX-License-Identifier: MIT
// Keeps the library legal while a folder has no sources yet.
