using System.Runtime.InteropServices;
using Kashif.Reporting.Photos;

namespace Kashif.Reporting.Tests;

/// <summary>The filter of system calls around the decoder of photos, on one thread of the tests.</summary>
public sealed class SandboxTests
{
    private const int Refused = 13; // EACCES
    private const int Init = 1; // a process that is always there. Signal 0 only asks whether it could be sent

    [Fact]
    public void No_call_signals_another_process()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64, "Linux on x64 or arm64 only.");
        var (kill, tkill, tgkill, queue, queueThread, self) = RuntimeInformation.ProcessArchitecture is Architecture.X64 ? (62, 200, 234, 129, 297, 186) : (129, 130, 131, 138, 240, 178);
        var information = Marshal.AllocHGlobal(128); // siginfo_t
        Marshal.Copy(new byte[128], 0, information, 128);
        Marshal.WriteInt32(information, 8, -1); // SI_QUEUE, which a process may send to others
        (string Call, int Error)[] signals = [];
        (string Call, int Error)[] Signal() =>
        [
            ("kill", Error(kill, Init, 0, 0, 0)),
            ("tkill", Error(tkill, Init, 0, 0, 0)),
            ("tgkill", Error(tgkill, Init, Init, 0, 0)),
            ("rt_sigqueueinfo", Error(queue, Init, 0, information, 0)),
            ("rt_tgsigqueueinfo", Error(queueThread, Init, Init, 0, information)),
            ("tgkill of this process", Error(tgkill, Environment.ProcessId, Call(self, 0, 0, 0, 0), 0, 0)),
        ];
        var thread = new Thread(() =>
        {
            Signal(); // compiles it: inside the sandbox no file can be opened
            Sandbox.Filter(Sandbox.ThisThread);
            signals = Signal();
        });

        thread.Start();
        thread.Join();
        Marshal.FreeHGlobal(information);

        signals.ShouldBe([("kill", Refused), ("tkill", Refused), ("tgkill", Refused), ("rt_sigqueueinfo", Refused), ("rt_tgsigqueueinfo", Refused), ("tgkill of this process", 0)]);
    }

    private static int Error(long number, long first, long second, nint third, nint fourth) => Call(number, first, second, third, fourth) == -1 ? Marshal.GetLastPInvokeError() : 0;

    [DllImport("libc", EntryPoint = "syscall", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern long Call(long number, long first, long second, nint third, nint fourth);
}
