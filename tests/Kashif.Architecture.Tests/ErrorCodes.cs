using System.Reflection;
using System.Text.RegularExpressions;
using Kashif.Http;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Kashif.Architecture.Tests;

/// <summary>
/// Finds the codes of the <see cref="Error"/>s that a handler can return: walks the IL from the handler through all methods of Kashif
/// that it reaches, and collects the literals that are passed as a <c>code</c>.
/// </summary>
/// <remarks>It finds too many where a method returns different errors to different callers, and none that are computed.</remarks>
internal sealed partial class ErrorCodes : IDisposable
{
    private readonly DefaultAssemblyResolver _resolver = new();
    private readonly Dictionary<string, ModuleDefinition> _modules = [];

    public ErrorCodes() => _resolver.AddSearchDirectory(AppContext.BaseDirectory);

    public IReadOnlySet<string> Of(MethodInfo handler)
    {
        var path = handler.Module.Assembly.Location;
        if (!_modules.TryGetValue(path, out var module))
        {
            _modules[path] = module = ModuleDefinition.ReadModule(path, new ReaderParameters { AssemblyResolver = _resolver });
        }

        var codes = new HashSet<string>();
        Walk((MethodDefinition)module.LookupToken(handler.MetadataToken), codes, []);
        return codes;
    }

    public void Dispose()
    {
        foreach (var module in _modules.Values)
        {
            module.Dispose();
        }

        _resolver.Dispose();
    }

    private static void Walk(MethodDefinition method, HashSet<string> codes, HashSet<MethodDefinition> seen)
    {
        if (!seen.Add(method) || !method.HasBody)
        {
            return;
        }

        // The body of an async method is in its state machine.
        var machines = method.CustomAttributes.Where(attribute => attribute.AttributeType.Name.EndsWith("StateMachineAttribute", StringComparison.Ordinal))
            .Select(attribute => ((TypeReference)attribute.ConstructorArguments[0].Value).Resolve());
        foreach (var step in machines.SelectMany(machine => machine.Methods))
        {
            Walk(step, codes, seen);
        }

        foreach (var instruction in method.Body.Instructions)
        {
            switch (instruction.Operand)
            {
                case MethodReference called when IsOurs(called.DeclaringType) && called.Resolve() is { } target:
                    codes.UnionWith(Made(instruction, target));
                    Walk(target, codes, seen);
                    break;
                case FieldReference field when instruction.OpCode == OpCodes.Ldsfld && IsOurs(field.DeclaringType) && field.FieldType.FullName == "Kashif.Http.Error":
                    codes.UnionWith(Initial(field));
                    break;
            }
        }
    }

    /// <summary>The code of a static field's error: its initializer ends with the assignment.</summary>
    private static IEnumerable<string> Initial(FieldReference field) => field.DeclaringType.Resolve().Methods
        .Where(method => method is { IsConstructor: true, IsStatic: true })
        .SelectMany(method => method.Body.Instructions)
        .Where(instruction => instruction.OpCode == OpCodes.Stsfld && ((FieldReference)instruction.Operand).Name == field.Name)
        .SelectMany(assignment => assignment.Previous.Operand is MethodReference maker ? Made(assignment.Previous, maker.Resolve()) : []);

    /// <summary>The code of the error that the call makes: the last literal before it that looks like a code; details have spaces.</summary>
    /// <remarks><c>OAuthProblem.Of</c> has another code-like argument after the code: the OAuth error.</remarks>
    private static IEnumerable<string> Made(Instruction call, MethodDefinition maker)
    {
        if (maker is { DeclaringType.FullName: "Kashif.Http.Error", Name: nameof(Error.NotFound) })
        {
            return ["not_found"];
        }

        var makes = maker.ReturnType.Name == "ProblemHttpResult" || maker.ReturnType.Name == nameof(Error) || maker is { IsConstructor: true, DeclaringType.Name: nameof(Error) };
        if (!makes || !maker.Parameters.Any(parameter => parameter.Name.Equals("code", StringComparison.OrdinalIgnoreCase)))
        {
            return [];
        }

        return LiteralsBefore(call).Where(literal => Code().IsMatch(literal)).Skip(maker.Parameters.Any(parameter => parameter.Name == "error") ? 1 : 0).Take(1);
    }

    private static IEnumerable<string> LiteralsBefore(Instruction call)
    {
        for (var before = call.Previous; before is not null; before = before.Previous)
        {
            if (before.OpCode == OpCodes.Ldstr)
            {
                yield return (string)before.Operand;
            }
        }
    }

    private static bool IsOurs(TypeReference type) => type.FullName.StartsWith("Kashif.", StringComparison.Ordinal);

    [GeneratedRegex("^[a-z]+(_[a-z]+)*$")]
    private static partial Regex Code();
}
