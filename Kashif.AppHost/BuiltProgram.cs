using System.Runtime.InteropServices;

namespace Kashif;

/// <summary>Runs a project's built program itself, where Aspire would run <c>dotnet run --no-build</c> with the service as its child.</summary>
internal static class BuiltProgram
{
    /// <summary>
    /// Saves 150 MB a service, and a signal sent to the resource's process reaches the service. Under an IDE that debugs, and for a
    /// project that is not built beside the AppHost, Aspire's own way stays.
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

    /// <returns>The path of the program that the build makes of a project.</returns>
    public static string PathOf(ProjectResource project) => Path.Combine(
        DirectoryOf(project), "bin", Configuration, "net10.0", Path.GetFileNameWithoutExtension(project.GetProjectMetadata().ProjectPath));

    private static string DirectoryOf(ProjectResource project) => Path.GetDirectoryName(project.GetProjectMetadata().ProjectPath) ?? "";

#if DEBUG
    private const string Configuration = "Debug";
#else
    private const string Configuration = "Release";
#endif
}
