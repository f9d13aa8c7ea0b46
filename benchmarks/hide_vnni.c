/* Hides AVX-VNNI, AVX512-VNNI and AMX from a program, so that a processor that has them can show how
 * fast one without them would be: ONNX Runtime asks CPUID which kernels it may use.
 *
 *     gcc -O2 -shared -fPIC -o hide_vnni.so benchmarks/hide_vnni.c
 *     LD_PRELOAD=./hide_vnni.so python -m benchmarks raw_cpu ...
 *
 * Linux on x86-64 whose /proc/cpuinfo has the flag cpuid_fault. Each CPUID instruction then raises
 * SIGSEGV; the handler runs it, clears the bits and goes on behind it. Threads inherit the setting. */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define BIT(n) (1u << (n))
#define AVX512_VNNI BIT(11)                      /* leaf 7.0, ecx */
#define AMX (BIT(22) | BIT(24) | BIT(25))        /* leaf 7.0, edx */
#define AVX_VNNI BIT(4)                          /* leaf 7.1, eax */
#define AVX_VNNI_INT8_INT16 (BIT(4) | BIT(10))   /* leaf 7.1, edx */

static long allow_cpuid(int allowed) { return syscall(SYS_arch_prctl, ARCH_SET_CPUID, allowed); }

static void answer_cpuid(int signal_number, siginfo_t *info, void *context) {
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  const uint8_t *code = (const uint8_t *)registers[REG_RIP];
  (void)info;
  if (code[0] != 0x0f || code[1] != 0xa2) {
    signal(signal_number, SIG_DFL); /* A real fault: it happens again, and ends the program. */
    return;
  }
  uint32_t leaf = registers[REG_RAX], part = registers[REG_RCX];
  uint32_t a = leaf, b, c = part, d;
  allow_cpuid(1);
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  allow_cpuid(0);
  if (leaf == 7 && part == 0) c &= ~AVX512_VNNI, d &= ~AMX;
  if (leaf == 7 && part == 1) a &= ~AVX_VNNI, d &= ~AVX_VNNI_INT8_INT16;
  registers[REG_RAX] = a, registers[REG_RBX] = b, registers[REG_RCX] = c, registers[REG_RDX] = d;
  registers[REG_RIP] += 2;
}

__attribute__((constructor)) static void start(void) {
  struct sigaction action = {.sa_sigaction = answer_cpuid, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGSEGV, &action, NULL);
  if (allow_cpuid(0) != 0) {
    fputs("hide_vnni: this processor cannot hide what it has (no cpuid_fault)\n", stderr);
    exit(1);
  }
}
