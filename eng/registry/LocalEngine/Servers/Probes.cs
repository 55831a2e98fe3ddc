using System.Net.Sockets;
using System.Text;
using Aspire.Hosting.ApplicationModel;
using Npgsql;
using RabbitMQ.Client;

namespace Kashif.LocalEngine;

/// <summary>Real health checks: a query, an AMQP handshake, a PING, a GET.</summary>
internal static class Probes
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromSeconds(30) })
    {
        Timeout = TimeSpan.FromSeconds(10),
    };

    public static async Task PostgresAsync(PostgresServerResource server, string database, CancellationToken cancellationToken)
    {
        await using var connection = await ConnectAsync(server, database, cancellationToken).ConfigureAwait(false);
        await using var command = new NpgsqlCommand("SELECT 1", connection);
        await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
    }

    public static async Task<NpgsqlConnection> ConnectAsync(PostgresServerResource server, string database, CancellationToken cancellationToken)
    {
        var connectionString = await server.ConnectionStringExpression.GetValueAsync(cancellationToken).ConfigureAwait(false);
        var connection = new NpgsqlConnection($"{connectionString};Database={database};Pooling=false;Timeout=5");
        await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
        return connection;
    }

    public static async Task RabbitMqAsync(RabbitMQServerResource server, CancellationToken cancellationToken)
    {
        var uri = await server.UriExpression.GetValueAsync(cancellationToken).ConfigureAwait(false);
        var factory = new ConnectionFactory { Uri = new(uri!), AutomaticRecoveryEnabled = false, RequestedConnectionTimeout = TimeSpan.FromSeconds(5) };
        await using var connection = await factory.CreateConnectionAsync("kashif-health", cancellationToken).ConfigureAwait(false);
        await connection.CloseAsync(cancellationToken).ConfigureAwait(false);
    }

    public static async Task RedisAsync(RedisResource server, CancellationToken cancellationToken)
    {
        var password = server.PasswordParameter is null ? null : await server.PasswordParameter.GetValueAsync(cancellationToken).ConfigureAwait(false);
        using var client = new TcpClient();
        await client.ConnectAsync(server.PrimaryEndpoint.Host, server.PrimaryEndpoint.Port, cancellationToken).ConfigureAwait(false);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.UTF8.GetBytes($"{(password is null ? "" : $"AUTH {password}\r\n")}PING\r\n"), cancellationToken).ConfigureAwait(false);
        using var reader = new StreamReader(stream);
        for (var line = await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false); line != "+PONG"; line = await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false))
        {
            if (line is null || line.StartsWith('-'))
            {
                throw new InvalidOperationException($"Redis answered PING with: {line ?? "the end of the connection"}");
            }
        }
    }

    public static async Task HttpAsync(Uri uri, int expected, CancellationToken cancellationToken)
    {
        using var response = await Http.GetAsync(uri, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        if ((int)response.StatusCode != expected)
        {
            throw new InvalidOperationException($"{uri} answered {(int)response.StatusCode}, expected {expected}.");
        }
    }

    public static async Task<bool> ListensAsync(int port, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync("127.0.0.1", port, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
