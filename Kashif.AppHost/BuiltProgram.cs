using System.Runtime.InteropServices;

namespace Kashif;

/// <summary>Runs a project's built program directly instead of through <c>dotnet run --no-build</c>, Aspire's default.</summary>
internal static class BuiltProgram
{
    /// <summary>
    /// Saves 150 MB per service, and signals reach the service. Keeps Aspire's default in a debug session of an IDE and for a project
    /// that is not built.
    /// </summary>
    public static IResourceBuilder<ProjectResource> RunsBuiltProgram(this IResourceBuilder<ProjectResource> project)
    {
        var builder = project.ApplicationBuilder;
        var program = PathOf(project.Resource);
        if (builder.ExecutionContext.IsRunMode && string.IsNullOrEmpty(builder.Configuration["DEBUG_SESSION_PORT"]) && File.Exists(program))
        {
            project.WithAnnotation(new ExecutableAnnotation { Command = program, WorkingDirectory = DirectoryOf(project.Resource) })
                .WithEnvironment("DOTNET_ROOT", Path.GetFullPath("../../..", RuntimeEnvironment.GetRuntimeDirectory()));
        }

        return project;
    }

    /// <returns>The path of a project's built program.</returns>
    public static string PathOf(ProjectResource project) => Path.Combine(
        DirectoryOf(project), "bin", Configuration, "net10.0", Path.GetFileNameWithoutExtension(project.GetProjectMetadata().ProjectPath));

    private static string DirectoryOf(ProjectResource project) => Path.GetDirectoryName(project.GetProjectMetadata().ProjectPath) ?? "";

#if DEBUG
    private const string Configuration = "Debug";
#else
    private const string Configuration = "Release";
#endif
}
