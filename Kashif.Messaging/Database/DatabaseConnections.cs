namespace Kashif.Messaging.Database;

/// <summary>How many connections to PostgreSQL there are: the services' pools and the server's limit, sized together.</summary>
/// <remarks>
/// A server of your own needs <see cref="ServerLimit"/> as its <c>max_connections</c> at least, and <see cref="Pool"/> more for each further
/// replica. <c>Database:MaxPoolSize</c> overrides the pool.
/// </remarks>
public static class DatabaseConnections
{
    /// <summary>The most connections of one service process.</summary>
    public const int Pool = 40;

    /// <summary>The most connections of one of several replicas, where the chart scales each service to four and starts a fifth while it replaces one.</summary>
    public const int ReplicaPool = 10;

    private const int Services = 5;

    /// <summary>A second process of each service while it is replaced, before the first is drained; it is not busy yet.</summary>
    private const int Replacements = Services * 10;

    /// <summary>Migrations, health checks, psql, and the three that PostgreSQL keeps for its superuser.</summary>
    private const int Others = 50;

    /// <summary>PostgreSQL's <c>max_connections</c>.</summary>
    public const int ServerLimit = (Services * Pool) + Replacements + Others;
}
