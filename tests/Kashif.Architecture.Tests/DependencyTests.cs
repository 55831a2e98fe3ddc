extern alias gateway;

using ArchUnitNET.Domain;
using ArchUnitNET.Loader;
using Kashif.Messaging;
using Assembly = System.Reflection.Assembly;

namespace Kashif.Architecture.Tests;

/// <summary>Which folder of a project knows which.</summary>
public sealed class DependencyTests(BuiltServices services)
{
    private static readonly string[] SharedProjects = ["Kashif.ServiceDefaults", "Kashif.Messaging"];

    public static TheoryData<string> Projects => [.. SharedProjects, .. BuiltServices.ServiceNames];

    /// <remarks>
    /// Not counted are the project's own namespace, which composes the others, and <c>Data</c>, whose DbContext names every entity and
    /// serves every feature.
    /// </remarks>
    [Theory]
    [MemberData(nameof(Projects))]
    public void Namespaces_of_a_project_form_no_circle(string project)
    {
        var assembly = Load(project);
        var root = project == SharedProjects[0] ? "Kashif" : assembly.GetName().Name;
        var edges = new ArchLoader().LoadAssembly(assembly).Build().Types
            .Where(type => type.Assembly.Name.StartsWith(assembly.GetName().Name ?? "", StringComparison.Ordinal))
            .SelectMany(type => type.Dependencies, (type, dependency) => (From: type, To: dependency.Target))
            .Where(edge => edge.To is not GenericParameter && IsFeature(edge.From) && IsFeature(edge.To) && edge.From.Namespace.FullName != edge.To.Namespace.FullName)
            .ToArray();
        var namespaces = edges.ToLookup(edge => edge.From.Namespace.FullName, edge => edge.To.Namespace.FullName);

        edges
            .Where(edge => Reaches(edge.To.Namespace.FullName, edge.From.Namespace.FullName, namespaces, []))
            .Select(edge => $"{edge.From.FullName} → {edge.To.FullName}").Distinct()
            .ShouldBeEmpty();

        bool IsFeature(IType type) =>
            type.Namespace.FullName is { } name && name.StartsWith($"{root}.", StringComparison.Ordinal) && !name.StartsWith($"{root}.Data", StringComparison.Ordinal);
    }

    [Fact]
    public void The_gateway_has_no_database_and_no_broker() => Directory.EnumerateFiles(Path.GetDirectoryName(typeof(gateway::Program).Assembly.Location) ?? "", "*.deps.json")
        .Where(file => Path.GetFileName(file) == "Kashif.Gateway.deps.json")
        .Select(File.ReadAllText)
        .ShouldHaveSingleItem()
        .ShouldSatisfyAllConditions(
            dependencies => dependencies.ShouldNotContain("Npgsql"),
            dependencies => dependencies.ShouldNotContain("EntityFrameworkCore"),
            dependencies => dependencies.ShouldNotContain("RabbitMQ.Client"));

    private Assembly Load(string project) => project switch
    {
        "Kashif.ServiceDefaults" => typeof(ServiceIdentity).Assembly,
        "Kashif.Messaging" => typeof(UnitOfWork).Assembly,
        _ => services[project].Assembly,
    };

    private static bool Reaches(string from, string to, ILookup<string, string> edges, HashSet<string> seen) =>
        edges[from].Any(next => next == to || (seen.Add(next) && Reaches(next, to, edges, seen)));
}
