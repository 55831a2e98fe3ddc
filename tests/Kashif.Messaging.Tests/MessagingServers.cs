using Kashif.Testing;

[assembly: AssemblyFixture(typeof(Kashif.Messaging.Tests.MessagingServers))]

namespace Kashif.Messaging.Tests;

public sealed class MessagingServers : ServersAndIssuer, IAsyncLifetime;
