using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Validation;

#pragma warning disable ASP0029 // Calling the validation of AddValidation by hand is marked as experimental; only this file does.

namespace Kashif.Validation;

/// <summary>
/// Collects the errors that the attributes of a request and its handler find. One response then names every invalid
/// field. Call <c>DisableValidation()</c> on the endpoint. Without it, invalid attributes end the request before the handler runs.
/// </summary>
public sealed class FieldErrors
{
    private readonly Dictionary<string, string[]> _errors = [];

    /// <summary>Validates the attributes of the parts of a request: its body, or its groups of parameters.</summary>
    public static async Task<FieldErrors> FindAsync(HttpContext http, params object[] parts)
    {
        var errors = new FieldErrors();
        var options = http.RequestServices.GetRequiredService<IOptions<ValidationOptions>>().Value;
        foreach (var part in parts)
        {
            if (!options.TryGetValidatableTypeInfo(part.GetType(), out var type))
            {
                throw new InvalidOperationException($"{part.GetType()} has nothing to validate: is it public, and does the service call AddValidation?");
            }

            var context = new ValidateContext
            {
                ValidationContext = new ValidationContext(part, http.RequestServices, items: null),
                ValidationOptions = options,
            };
            await type.ValidateAsync(part, context, http.RequestAborted);
            foreach (var (field, messages) in context.ValidationErrors ?? [])
            {
                errors._errors[WireName.Of(field)] = messages;
            }
        }

        return errors;
    }

    /// <summary>Adds an error of a field.</summary>
    /// <param name="field">Its wire name.</param>
    /// <param name="message">Null if the field is valid.</param>
    public void Add(string field, string? message)
    {
        if (message is not null)
        {
            _errors[field] = [.. _errors.GetValueOrDefault(field, []), message];
        }
    }

    /// <summary>Whether a field has an error.</summary>
    /// <param name="field">Its wire name.</param>
    public bool Has(string field) => _errors.ContainsKey(field);

    /// <summary>Null if all fields are valid.</summary>
    public ValidationProblem? ToProblem() => _errors.Count == 0 ? null : TypedResults.ValidationProblem(_errors);
}
