using System.Linq.Expressions;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;

namespace Kashif.Reporting.Reports;

/// <summary>
/// The columns of <see cref="Report"/> that are written, taken from EF's model, for the hand-written SQL of lists
/// and <see cref="ReportWriter"/>: a new property needs no change there.
/// </summary>
internal sealed class ReportColumns
{
    private readonly IProperty[] _properties;

    public ReportColumns(IServiceScopeFactory scopes)
    {
        using var scope = scopes.CreateScope();
        _properties = [.. scope.ServiceProvider.GetRequiredService<ReportingDbContext>().Reports.EntityType.GetProperties()
            .Where(property => property.GetComputedColumnSql() is null)];
        Names = string.Join(", ", _properties.Select(property => property.GetColumnName()));
        Read = CompileRead(_properties);
    }

    /// <summary>Separated by commas.</summary>
    public string Names { get; }

    public int Count => _properties.Length;

    /// <summary>Reads a report from a row that begins with <see cref="Names"/>.</summary>
    public Func<NpgsqlDataReader, Report> Read { get; }

    /// <summary>The values to store, in the order of <see cref="Names"/>.</summary>
    public IEnumerable<object?> ValuesOf(Report report) => _properties.Select(property =>
    {
        var value = property.GetGetter().GetClrValue(report);
        return property.GetTypeMapping().Converter is { } converter ? converter.ConvertToProvider(value) : value;
    });

    /// <summary>Compiles <c>reader => new Report { Id = reader.GetFieldValue&lt;Guid&gt;(0), … }</c>.</summary>
    private static Func<NpgsqlDataReader, Report> CompileRead(IProperty[] properties)
    {
        var reader = Expression.Parameter(typeof(NpgsqlDataReader), "reader");
        return Expression.Lambda<Func<NpgsqlDataReader, Report>>(
            Expression.MemberInit(
                Expression.New(typeof(Report)),
                properties.Select((property, ordinal) => Expression.Bind(
                    property.PropertyInfo ?? throw new InvalidOperationException($"{property.Name} is not a property of Report."), ValueAt(property, ordinal)))),
            reader).Compile();

        Expression ValueAt(IProperty property, int ordinal)
        {
            var position = Expression.Constant(ordinal);
            var converter = property.GetTypeMapping().Converter;
            Expression value = Expression.Call(
                reader, nameof(NpgsqlDataReader.GetFieldValue), [converter?.ProviderClrType ?? Nullable.GetUnderlyingType(property.ClrType) ?? property.ClrType], position);
            value = converter is null ? Expression.Convert(value, property.ClrType) : Expression.Invoke(converter.ConvertFromProviderExpression, value);
            return property.IsNullable
                ? Expression.Condition(Expression.Call(reader, nameof(NpgsqlDataReader.IsDBNull), [], position), Expression.Default(property.ClrType), value)
                : value;
        }
    }
}
