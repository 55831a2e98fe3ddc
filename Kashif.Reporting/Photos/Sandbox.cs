using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Kashif.Reporting.Photos;

/// <summary>
/// Takes from this process, on Linux and for good, what decoding an image does not need: more memory, more time, and the system calls that
/// reach outside (open a file, connect, start a program, signal another process). A file that takes over the image library can do
/// nothing with it.
/// </summary>
/// <remarks>
/// A kernel without seccomp only has the limits. Filters: https://docs.kernel.org/userspace-api/seccomp_filter.html; numbers of system
/// calls: <c>asm/unistd.h</c>.
/// </remarks>
internal static class Sandbox
{
    /// <summary>Address space on top of what is in use, in bytes. A photo of 50 million pixels that has to be turned needs about half.</summary>
    private const long MoreMemory = 512L * 1024 * 1024;

    private const long ProcessorSeconds = 30;

    private const int LimitProcessor = 0, LimitCore = 4, LimitAddresses = 9;
    private const int NoNewPrivileges = 38;
    private const long SetFilter = 1;

    /// <summary>What the filter is for. Only a test uses one thread.</summary>
    public const long AllThreads = 1, ThisThread = 0;

    public static void Enter()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var inUse = long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[0], CultureInfo.InvariantCulture) * Environment.SystemPageSize;

        // Where memory ends, the kernel ends this process, not the service.
        Try(() => File.WriteAllText("/proc/self/oom_score_adj", "1000"));
        Limit(LimitProcessor, ProcessorSeconds);
        Limit(LimitCore, 0);
        Limit(LimitAddresses, inUse + MoreMemory);
        if (RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64)
        {
            Filter(AllThreads);
        }
    }

    private static void Limit(int resource, long value) => _ = SetLimit(resource, [value, value]);

    private static void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A container may not allow it. The other limits hold.
        }
    }

    public static void Filter(long threads)
    {
        var program = Program(RuntimeInformation.ProcessArchitecture is Architecture.X64 ? X64 : Arm64, Environment.ProcessId);
        var pinned = GCHandle.Alloc(program, GCHandleType.Pinned);
        try
        {
            // struct sock_fprog { unsigned short len; struct sock_filter *filter; }
            var descriptor = new byte[16];
            BinaryPrimitives.WriteUInt16LittleEndian(descriptor, (ushort)(program.Length / 8));
            BinaryPrimitives.WriteInt64LittleEndian(descriptor.AsSpan(8), pinned.AddrOfPinnedObject());
            _ = Control(NoNewPrivileges, 1, 0, 0, 0);
            _ = Call(RuntimeInformation.ProcessArchitecture is Architecture.X64 ? 317 : 277, SetFilter, threads, descriptor);
        }
        finally
        {
            pinned.Free();
        }
    }

    // open, socket, connect, accept, sendto, sendmsg, bind, listen, socketpair, execve, kill, truncate, rename, creat, unlink, ptrace,
    // rt_sigqueueinfo, tkill, openat, unlinkat, renameat, accept4, rt_tgsigqueueinfo, process_vm_readv and _writev, renameat2, execveat, pidfd_send_signal,
    // io_uring_setup, pidfd_open, openat2.
    private static Machine X64 { get; } = new(
        0xC000003E, 234, [2, 41, 42, 43, 44, 46, 49, 50, 53, 59, 62, 76, 82, 85, 87, 101, 129, 200, 257, 263, 264, 288, 297, 310, 311, 316, 322, 424, 425, 434, 437]);

    private static Machine Arm64 { get; } = new(
        0xC00000B7, 131, [198, 203, 202, 206, 211, 200, 201, 199, 221, 129, 45, 117, 138, 130, 56, 35, 38, 242, 240, 270, 271, 276, 281, 424, 425, 434, 437]);

    /// <summary>Refuses the calls with EACCES, and tgkill, with which the runtime interrupts its own threads, for other processes.</summary>
    private static byte[] Program(Machine machine, int ownProcess)
    {
        const ushort Load = 0x20, IfEqual = 0x15, IfAtLeast = 0x35, Return = 0x06;
        const uint Number = 0, Architecture = 4, FirstArgument = 16;
        const uint Allow = 0x7FFF0000, Refuse = 0x00050000 | 13, End = 0x80000000;
        var count = machine.Refused.Length;
        List<(ushort Code, byte IfTrue, byte IfFalse, uint Value)> steps =
        [
            (Load, 0, 0, Architecture),
            (IfEqual, 1, 0, machine.Audit),
            (Return, 0, 0, End),
            (Load, 0, 0, Number),
            (IfAtLeast, (byte)(count + 3), 0, 0x40000000), // x32, with its own numbers: refuse
            .. machine.Refused.Select((number, index) => (IfEqual, (byte)(count - index + 2), (byte)0, (uint)number)),
            (IfEqual, 0, 3, (uint)machine.SignalThread),
            (Load, 0, 0, FirstArgument),
            (IfEqual, 1, 0, (uint)ownProcess),
            (Return, 0, 0, Refuse),
            (Return, 0, 0, Allow),
        ];

        // struct sock_filter { __u16 code; __u8 jt; __u8 jf; __u32 k; }
        var program = new byte[steps.Count * 8];
        for (var index = 0; index < steps.Count; index++)
        {
            var step = program.AsSpan(index * 8);
            BinaryPrimitives.WriteUInt16LittleEndian(step, steps[index].Code);
            (step[2], step[3]) = (steps[index].IfTrue, steps[index].IfFalse);
            BinaryPrimitives.WriteUInt32LittleEndian(step[4..], steps[index].Value);
        }

        return program;
    }

    [DllImport("libc", EntryPoint = "setrlimit"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetLimit(int resource, long[] limit);

    [DllImport("libc", EntryPoint = "prctl"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Control(int option, long first, long second, long third, long fourth);

    [DllImport("libc", EntryPoint = "syscall"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern long Call(long number, long operation, long flags, byte[] argument);

    /// <param name="Audit">The kernel's constant of the architecture.</param>
    /// <param name="SignalThread">The number of <c>tgkill</c>.</param>
    private sealed record Machine(uint Audit, int SignalThread, int[] Refused);
}
