namespace Kashif.Registry.Tests;

public sealed class RepositoryTests
{
    private static readonly DirectoryInfo Root = FindRoot();

    [Fact]
    public void The_solution_has_no_stand_in()
    {
        var solution = File.ReadAllText(Path.Combine(Root.FullName, "Kashif.sln"));

        // Built with the solution they would be built on the full registry too.
        solution.ShouldNotContain(@"eng\registry\ClientStandIns");
        solution.ShouldNotContain(@"eng\registry\LocalEngine");
    }

    [Fact]
    public void Only_the_registry_knows_its_stand_ins_and_versions()
    {
        var projects = Root.EnumerateFiles("*.csproj", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 3 })
            .Where(project => !project.FullName.StartsWith(Path.Combine(Root.FullName, "eng"), StringComparison.Ordinal))
            .Where(project => project.Name != "Kashif.LocalEngine.Tests.csproj") // tests what only the registry has
            .ToList();

        projects.ShouldContain(project => project.Name == "Kashif.Registry.Tests.csproj");
        foreach (var project in projects)
        {
            var text = File.ReadAllText(project.FullName);
            text.ShouldNotContain("eng/registry", customMessage: project.Name);
            text.ShouldNotContain("VersionOverride", customMessage: project.Name);
        }
    }

    private static DirectoryInfo FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Kashif.sln")))
        {
            directory = directory.Parent;
        }

        return directory ?? throw new InvalidOperationException("Kashif.sln is not above the tests.");
    }
}
