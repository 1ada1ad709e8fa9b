// SPDX-License-Identifier: MIT
// The file system on disk, as far as programs read it: directories, and how large a file can be (abi/disk.hpp).
#pragma once

#define ROOTINO 1
#define BSIZE 1024
#define FSMAGIC 0x10203040

#define NINDIRECT (BSIZE / sizeof(uint))
#ifdef LAB_FS
#define NDIRECT 11
#define MAXFILE (NDIRECT + NINDIRECT + NINDIRECT * NINDIRECT)
#define NADDRS (NDIRECT + 2)
#else
#define NDIRECT 12
#define MAXFILE (NDIRECT + NINDIRECT)
#define NADDRS (NDIRECT + 1)
#endif

struct superblock {
  uint magic;
  uint size;
  uint nblocks;
  uint ninodes;
  uint nlog;
  uint logstart;
  uint inodestart;
  uint bmapstart;
};

struct dinode {
  short type;
  short major;
  short minor;
  short nlink;
  uint size;
  uint addrs[NADDRS];
};

#define IPB (BSIZE / sizeof(struct dinode))
#define IBLOCK(i, sb) ((i) / IPB + sb.inodestart)
#define BPB (BSIZE * 8)
#define BBLOCK(b, sb) ((b) / BPB + sb.bmapstart)

#define DIRSIZ 14

struct dirent {
  ushort inum;
  char name[DIRSIZ];
};
